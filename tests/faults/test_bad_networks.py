"""What networks do, done by a proxy of ours before a real server: no word lost, none doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from auricle import Final, Reconnected, ReconnectPolicy, Stream, TurnEnd, TurnSettings, connect
from auricle.protocol.client_messages import Start
from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from tests.faults.conversation import EAGER_TO_RETURN, FRAME_BYTES, RATE, Heard
from tests.faults.proxy import Proxy
from tests.support import tones

PATIENCE = 20.0
"""Seconds a test waits for what must come; never how long it takes."""
ANSWER_TIMEOUT = 2.0
"""Seconds; a server on a busy machine must not be taken for a silent one."""
AUDIO, TEXT = tones.utterance(5, 14, trailing=1.0)
BYTES = AUDIO.tobytes()
OFF = Start(latency_ms=80, turn=TurnSettings("off"))
TURNS = Start(latency_ms=80, turn=TurnSettings("silence", 700))


@pytest.fixture
async def server() -> AsyncIterator[str]:
    async with serve_locally(ServerConfig(max_load=0), engine=_engine()) as url:
        yield url


def _engine() -> Engine:
    return Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=4, device="cpu", threads=1)


async def read(stream: Stream, heard: Heard) -> None:
    async for event in stream:
        heard.events.append(event)


async def conversed(stream: Stream, disturb: object = None) -> Heard:
    """Speaks the utterance, has `disturb` happen in its middle, finalizes twice on the way, and ends."""
    heard, half = Heard(), len(BYTES) // 2 // FRAME_BYTES * FRAME_BYTES
    reading = asyncio.create_task(read(stream, heard))
    await stream.send(BYTES[:half])
    await stream.finalize("half")
    if callable(disturb):
        disturb()
    await stream.send(BYTES[half:])
    await stream.finalize("whole")
    await stream.end()
    async with asyncio.timeout(PATIENCE):
        await reading
    return heard


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("down", [True, False])
async def test_a_network_that_goes_dark_is_left_for_a_new_connection(server: str, up: bool, down: bool) -> None:
    async with (
        Proxy(server).running() as proxy,
        connect(proxy.url, start=OFF, reconnect=EAGER_TO_RETURN, answer_timeout=ANSWER_TIMEOUT) as stream,
    ):
        heard = await conversed(stream, lambda: proxy.stall(up=up, down=down))
    assert heard.text == TEXT
    assert heard.answers == ["half", "whole"]
    assert len(heard.returns) == (1 if up or down else 0)
    assert all(back.resumed for back in heard.returns)


async def test_a_network_that_is_hardly_fast_enough_loses_nothing(server: str) -> None:
    async with (
        Proxy(server, bytes_per_second=8 * 2 * RATE, piece=61).running() as proxy,
        connect(proxy.url, start=TURNS, reconnect=EAGER_TO_RETURN) as stream,
    ):
        heard = await conversed(stream)
    assert heard.text == TEXT
    assert heard.answers == ["half", "whole"]
    assert heard.returns == []
    assert " ".join(heard.turns) == TEXT


@pytest.mark.parametrize("overtaken", [1, 50, 2_000])
async def test_a_close_that_overtakes_the_last_words(server: str, overtaken: int) -> None:
    """The last bytes before the server's end of the connection never come; what was said last is among them."""
    async with Proxy(server).running() as proxy, connect(proxy.url, start=OFF, reconnect=EAGER_TO_RETURN) as stream:
        proxy.passages[0].down.overtaken = overtaken
        heard = await conversed(stream)
    assert heard.text == TEXT
    assert heard.answers == ["half", "whole"]
    assert [back.resumed for back in heard.returns] == [True]


async def test_a_close_that_never_comes_does_not_hold_the_caller_up(server: str) -> None:
    async with (
        Proxy(server, hold_close=True).running() as proxy,
        connect(proxy.url, start=OFF, reconnect=EAGER_TO_RETURN, answer_timeout=ANSWER_TIMEOUT) as stream,
    ):
        heard = await conversed(stream)
    assert heard.text == TEXT
    assert heard.answers == ["half", "whole"]


@pytest.mark.parametrize("start", [OFF, TURNS])
async def test_a_server_that_dies_is_replaced_by_another(start: Start) -> None:
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(serve_locally(ServerConfig(max_load=0), engine=_engine())) for _ in range(2)
        ]
        first, second = [await stack.enter_async_context(Proxy(url).running()) for url in urls]
        stream = await stack.enter_async_context(
            connect([first.url, second.url], start=start, reconnect=EAGER_TO_RETURN)
        )
        assert stream.url.startswith(first.url)

        def die() -> None:
            first.refusing = True
            first.cut()

        heard = await conversed(stream, die)
        assert stream.url.startswith(second.url)
    assert heard.text == TEXT
    assert heard.answers == ["half", "whole"]
    assert [back.resumed for back in heard.returns] == [False]
    assert " ".join(heard.turns) == (TEXT if start is TURNS else "")


async def test_a_full_server_sends_its_clients_to_another() -> None:
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(serve_locally(ServerConfig(max_load=0), engine=_engine())) for _ in range(2)
        ]
        streams = [await stack.enter_async_context(connect(urls, start=OFF)) for _ in range(8)]
        assert [stream.url.startswith(urls[0]) for stream in streams] == [True] * 4 + [False] * 4
        heard = await conversed(streams[-1])
    assert heard.text == TEXT


async def test_a_connection_that_breaks_within_a_likely_end_of_turn(server: str) -> None:
    start = Start(latency_ms=80, turn=TurnSettings("silence", 900, 300))
    policy = ReconnectPolicy(attempts=100, first_delay=0.01, max_delay=0.02)
    async with Proxy(server).running() as proxy, connect(proxy.url, start=start, reconnect=policy) as stream:
        heard, kinds = Heard(), []
        await stream.send(BYTES)
        async for event in stream:
            heard.events.append(event)
            kinds.append(type(event).__name__)
            if kinds[-1] == "TurnEagerEnd" and not heard.returns:
                proxy.cut()
            if isinstance(event, TurnEnd):
                break
    assert [back.resumed for back in heard.returns] == [True]
    assert heard.text == TEXT
    assert kinds.count("TurnEagerEnd") == kinds.count("TurnResumed") + 1
    assert [type(event) for event in heard.events if isinstance(event, Final | TurnEnd | Reconnected)] == [
        Reconnected,
        Final,
        TurnEnd,
    ]
