"""A semantic turn whose server goes away in the middle: the next one, which hears a replay, ends it as well."""

from __future__ import annotations

import pytest

import auricle
from auricle import Final, Reconnected, SpeechStarted, StreamEvent, TurnEagerEnd, TurnEnd, TurnResumed, TurnSettings
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.faults.proxy import Passage, Proxy
from tests.support.audio.hesitation import hesitation
from tests.support.audio.recordings import RATE

PAUSE = 0.8
TWO_TURNS = b"".join(hesitation(PAUSE, 2.0).tobytes() for _ in range(2))
TURN = TurnSettings("semantic", end_threshold=0.9, eager_threshold=0.4, max_silence_ms=1_500)
BYTES_PER_SECOND = 2 * RATE
PIECE = BYTES_PER_SECOND // 50
START = auricle.Start(latency_ms=80, turn=TURN)
QUICK = auricle.ReconnectPolicy(first_delay=0.01, max_delay=0.02)


async def events_of(url: str) -> list[StreamEvent]:
    async with auricle.connect(url, start=START, reconnect=QUICK) as stream:
        for at in range(0, len(TWO_TURNS), PIECE):
            await stream.send(TWO_TURNS[at : at + PIECE])
        await stream.end()
        return [event async for event in stream]


def story(events: list[StreamEvent]) -> list[str]:
    """The turns, as far as the caller hears of them."""
    told = (SpeechStarted, Final, TurnEnd)
    return [type(event).__name__ for event in events if isinstance(event, told)]


@pytest.mark.parametrize("seconds", [1.6, 2.6, 7.0, 9.0])
async def test_a_turn_that_another_server_takes_up_ends_once_and_whole(seconds: float) -> None:
    """Cut while he speaks, in his pause, in the silence behind the turn: in the first turn and in the second."""

    def cut_once(passage: Passage) -> None:
        if passage.up.passed > seconds * BYTES_PER_SECOND and proxy.opened == 1:
            passage.cut()

    async with serve_locally(ServerConfig(max_load=0, resume_seconds=0)) as url:
        whole = await events_of(url)
        async with Proxy(url).running() as proxy:
            proxy.on_bytes = cut_once
            events = await events_of(proxy.url)
    (back,) = [event for event in events if isinstance(event, Reconnected)]
    assert not back.resumed
    assert story(events) == story(whole) == ["SpeechStarted", "Final", "TurnEnd"] * 2
    assert guesses_are_in_order(events)
    finals = [event.text for event in events if isinstance(event, Final)]
    assert [event.text for event in events if isinstance(event, TurnEnd)] == finals


def guesses_are_in_order(events: list[StreamEvent]) -> bool:
    """Whether each guess is taken back before the next one, and is right if it was not."""
    guess: str | None = None
    for event in events:
        if isinstance(event, TurnResumed):
            if guess is None:
                return False
            guess = None
        elif isinstance(event, TurnEagerEnd):
            if guess is not None:
                return False
            guess = event.text
        elif isinstance(event, TurnEnd):
            if guess not in {None, event.text}:
                return False
            guess = None
    return True
