"""Coming back: to the server that had the stream, and what is remembered of it."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from auricle import ServerFull
from auricle._connection.connection import Address, ResumePoint
from auricle._connection.connector import Connector, _now
from auricle._connection.servers import Servers
from auricle._connection.transport import stream_url
from tests.support.bursts import START, burst_server
from tests.support.scripted.script import Refusal
from tests.support.scripted_server import ScriptedServer


def address(server: ScriptedServer) -> Address:
    return Address(stream_url(server.url), {}, True, 5.0, None)


@pytest.mark.parametrize("code", ["unsupported_keyterms", "invalid_keyterms"])
async def test_key_terms_that_the_server_lacks_do_not_end_a_stream_that_comes_back_to_it(code: str) -> None:
    """The stream went there without them; when the server has lost it, it has to go there without them again."""
    start = replace(START, keyterms=("Auricle",))
    async with (
        burst_server() as first,
        burst_server(takes_keyterms=False, keyterms_code=code) as second,
        aiohttp.ClientSession() as http,
    ):
        dialler = Connector(http, Servers([address(first), address(second)]))
        await (await dialler.connect(start)).close()
        await first.stop_listening()
        link = await dialler.connect(start)
        await link.close()
        assert link.address == address(second)
        again = await dialler.reconnect(start, ResumePoint(link.address, "token", 1), lambda _: True)
        await again.close()
        assert again.address == address(second)


async def test_a_server_that_has_taken_a_stream_back_is_in_good_standing() -> None:
    async with burst_server() as first, burst_server() as second, aiohttp.ClientSession() as http:
        servers = Servers([address(first), address(second)])
        dialler, back = Connector(http, servers), ResumePoint(address(first), "token", 1)
        first.refusals.append(Refusal(503, "60"))
        second.refusals.append(Refusal(503, "60"))
        with pytest.raises(ServerFull):
            await dialler.reconnect(START, back, lambda _: True)
        await (await dialler.reconnect(START, back, lambda _: True)).close()
        assert servers._avoided_until.keys() == {address(second).url}
        assert servers.in_order(_now())[0] == address(first)
