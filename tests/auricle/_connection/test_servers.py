"""Several servers: which is asked first, and which failure counts."""

from __future__ import annotations

import pytest

import auricle
from auricle import AuricleClient, ConnectionFailed, Refused, ServerFull, ServerRestarting
from auricle._connection.connection import Address
from auricle._connection.servers import FAILED_SECONDS, FULL_SECONDS, Servers, most_telling
from tests.auricle.listening import everything, words_of
from tests.support.bursts import START, burst_server, speech
from tests.support.scripted.script import Refusal

A, B, C = (Address(f"ws://{name}/v1/stream", {}, True, 1.0, None) for name in "abc")
DOWN = ConnectionFailed("unreachable", "down")


def order(servers: Servers, now: float) -> str:
    return "".join(address.url[5] for address in servers.in_order(now))


def test_servers_are_asked_in_the_order_of_preference() -> None:
    assert order(Servers([A, B, C]), 0.0) == "abc"


def test_one_that_failed_is_asked_last_for_a_while() -> None:
    servers = Servers([A, B, C])
    servers.failed(A, DOWN, now=10.0)
    assert order(servers, 10.0) == "bca"
    assert order(servers, 10.0 + FAILED_SECONDS) == "abc"


def test_a_full_one_is_asked_again_when_it_says() -> None:
    servers = Servers([A, B, C])
    servers.failed(A, ServerFull(7), now=0.0)
    servers.failed(B, ServerFull(), now=0.0)
    servers.failed(C, DOWN, now=0.0)
    assert order(servers, 0.0) == "bac"
    assert order(servers, FULL_SECONDS) == "bac"
    assert order(servers, 7.0) == "abc"


def test_one_that_works_is_in_good_standing() -> None:
    servers = Servers([A, B])
    servers.failed(A, DOWN, now=0.0)
    servers.worked(A)
    assert order(servers, 0.0) == "ab"


def test_somewhere_to_go_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        AuricleClient([])
    with pytest.raises(ValueError, match="expected an address"):
        AuricleClient(["ws://here", "nowhere"])


def test_full_weighs_more_than_broken_and_broken_more_than_hopeless() -> None:
    full, refused, restarting = ServerFull(), Refused(401, "key"), ServerRestarting()
    assert most_telling([refused, full, restarting, DOWN]) is restarting
    assert most_telling([refused, DOWN, full]) is full
    assert most_telling([refused, DOWN]) is DOWN
    assert most_telling([refused]) is refused


async def test_a_stream_goes_to_the_first_server_that_will_have_it() -> None:
    async with burst_server() as first, burst_server() as second:
        first.refusals.append(Refusal(503, "3"))
        urls = ["ws://127.0.0.1:1", first.url, second.url]
        async with auricle.connect(urls, start=START) as stream:
            assert stream.url.startswith(second.url)
            await stream.send(speech([1, 2]))
            await stream.end()
            assert words_of(await everything(stream)) == ["w1", "w2"]


async def test_what_one_stream_found_out_spares_the_next_the_way() -> None:
    async with burst_server() as first, burst_server() as second, AuricleClient([first.url, second.url]) as client:
        first.refusals.append(Refusal(503))
        for _ in range(2):
            stream = await client.open(START)
            assert stream.url.startswith(second.url)
            await stream.aclose()


async def test_servers_that_are_all_full_are_full() -> None:
    async with burst_server() as first, burst_server() as second:
        for server in (first, second):
            server.refusals.append(Refusal(503, "3"))
        with pytest.raises(ServerFull) as caught:
            async with auricle.connect([first.url, "ws://127.0.0.1:1", second.url], start=START):
                pass
        assert caught.value.retry_after == 3
