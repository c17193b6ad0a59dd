"""The origins of web pages, and what a page says and hears though it sets no headers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from auricle_server.gateway.errors import OriginNotAllowed
from auricle_server.gateway.http.auth import check_origin
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client


@pytest.mark.parametrize("headers", [{}, {"Host": "a"}, {"Origin": "http://127.0.0.1", "Host": "127.0.0.1"}])
def test_programs_and_the_servers_own_pages_may_connect(headers: dict[str, str]) -> None:
    check_origin(headers, (), keyed=False)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "x" * 8000])
def test_other_pages_may_not_and_hear_what_to_do(origin: str) -> None:
    with pytest.raises(OriginNotAllowed, match="--allow-origin") as refused:
        check_origin({"Origin": origin, "Host": "127.0.0.1"}, ("https://app.example",), keyed=False)
    assert len(refused.value.message) < 200


# --- pages, which set no headers: all that they say is in subprotocols -----------------------------------------------

PAGE = ("auricle.v1",)


@pytest.mark.parametrize(
    ("offered", "answer"),
    [((), None), (("auricle.v1",), "auricle.v1"), (("auricle.token.secret", "auricle.v1"), "auricle.v1")],
)
async def test_the_answer_names_the_protocol_and_no_secret(
    url: str, offered: tuple[str, ...], answer: str | None
) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/v1/stream", headers=upgrade(offered)) as upgraded:
        assert upgraded.status == 101
        assert upgraded.headers.get("Sec-WebSocket-Protocol") == answer


def upgrade(offered: tuple[str, ...]) -> dict[str, str]:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    return headers | ({"Sec-WebSocket-Protocol": ", ".join(offered)} if offered else {})


async def test_a_key_may_come_as_a_subprotocol(serve: Serve) -> None:
    async with serve(api_keys=("one-secret",)) as url:
        async with connected_client(url, protocols=(*PAGE, "auricle.token.one-secret")) as client:
            assert (await client.start())["type"] == "ready"
            await client.end()
        for offered in ((), PAGE, ("auricle.token.one-secret",), (*PAGE, "auricle.token.other")):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await connected_client(url, protocols=offered).__aenter__()
            assert refused.value.status == 401
        # A program's header is the stronger word.
        headers = {"Authorization": "Bearer other"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await connected_client(url, headers=headers, protocols=(*PAGE, "auricle.token.one-secret")).__aenter__()


async def test_a_page_is_told_why_it_is_refused(serve: Serve) -> None:
    async with serve(api_keys=("one-secret",)) as url:
        async with connected_client(url, protocols=(*PAGE, "auricle.refusals")) as client:
            (error,) = await client.rest()
        assert (error["type"], error["seq"], error["code"], error["fatal"]) == ("error", 1, "unauthorized", True)
        assert "retry_after" not in error  # the same key fails again
        assert client.close_code == 1008
        origin = {"Origin": "https://evil.example", "Authorization": "Bearer one-secret"}
        async with connected_client(url, headers=origin, protocols=(*PAGE, "auricle.refusals")) as client:
            (error,) = await client.rest()
        assert (error["code"], client.close_code) == ("origin_not_allowed", 1008)


async def test_a_page_is_told_when_a_full_server_may_have_a_slot(serve: Serve) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve(retry_after_seconds=6.2))
        for _ in range(6):
            await (await stack.enter_async_context(connected_client(url))).start()
        client = await stack.enter_async_context(connected_client(url, protocols=(*PAGE, "auricle.refusals")))
        await client.send(type="start")  # a page sends it before it reads
        (error,) = await client.rest()
        assert (error["code"], error["fault"], error["retry_after"]) == ("server_full", "server", 7)
        assert client.close_code == 1013
        async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/metrics") as answer:
            assert 'auricle_refused_total{code="server_full"} 1.0' in await answer.text()


async def test_a_stream_that_is_accepted_is_as_any_other(url: str) -> None:
    async with connected_client(url, protocols=(*PAGE, "auricle.refusals")) as client:
        assert (await client.start())["type"] == "ready"
        await client.end()
        assert client.close_code == 1000


async def test_a_plain_request_is_refused_with_a_status(serve: Serve) -> None:
    async with serve(api_keys=("one-secret",)) as url, aiohttp.ClientSession() as http:
        headers = {"Sec-WebSocket-Protocol": "auricle.v1, auricle.refusals"}
        async with http.get(f"{url}/v1/stream", headers=headers) as answer:
            assert answer.status == 401


async def test_a_client_that_does_not_listen_holds_no_refusal_up(serve: Serve) -> None:
    async with serve(api_keys=("one-secret",)) as url, aiohttp.ClientSession() as http:
        offered = (*PAGE, "auricle.refusals")
        async with http.ws_connect(f"{url}/v1/stream", protocols=offered, autoclose=False) as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.TEXT
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            async with asyncio.timeout(10):  # and no close frame comes back
                assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
