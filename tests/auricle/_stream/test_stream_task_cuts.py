"""Connections cut at random, in the middle of frames: no word is lost and none doubled."""

from __future__ import annotations

import asyncio
import random
from typing import Literal

import pytest

import auricle
from auricle import (
    ConnectionFailed,
    Final,
    SpeechStarted,
    Start,
    Stream,
    StreamEvent,
    TurnEnd,
    TurnSettings,
)
from tests.auricle.listening import FAST, words_of
from tests.support.bursts import RATE, burst_server, word
from tests.support.servers.cutting_proxy import CuttingProxy

WORDS = 50


class Talker:
    """Says numbered words with pauses, finalizes now and then, and sometimes waits for the answer."""

    def __init__(self, stream: Stream, seed: int) -> None:
        self._stream = stream
        self._random = random.Random(seed)
        self._heard = asyncio.Condition()
        self.events: list[StreamEvent] = []
        self.asked: dict[str, int] = {}
        self.starts: dict[str, float] = {}

    async def run(self) -> None:
        async with asyncio.timeout(30):
            await asyncio.gather(self._talk(), self._listen())

    async def _talk(self) -> None:
        for value in range(1, WORDS + 1):
            self.starts[f"w{value}"] = self._stream.audio_seconds
            await self._stream.send(word(value, gap=self._random.choice([0.04, 0.04, 0.3])))
            if self._random.random() < 0.3:
                asked = await self._stream.finalize()
                self.asked[asked] = value
                if self._random.random() < 0.7:
                    await self._answer(asked)
        await self._stream.end()

    async def _answer(self, asked: str) -> None:
        async with self._heard:
            await self._heard.wait_for(lambda: asked in {final.finalize_id for final in self.finals})

    async def _listen(self) -> None:
        async for event in self._stream:
            self.events.append(event)
            async with self._heard:
                self._heard.notify_all()

    @property
    def finals(self) -> list[Final]:
        return [event for event in self.events if isinstance(event, Final)]


async def opened(client: auricle.AuricleClient, start: Start) -> Stream:
    """The first connection may be cut as well, and that is the caller's to repeat."""
    while True:
        try:
            return await client.open(start)
        except ConnectionFailed:
            continue


@pytest.mark.parametrize("mode", ["off", "silence"])
@pytest.mark.parametrize("seed", range(10))
async def test_no_word_is_lost_and_none_doubled(seed: int, mode: Literal["off", "silence"]) -> None:
    start = Start(sample_rate=RATE, turn=TurnSettings(mode, 200))
    async with burst_server(sends_settled=seed % 2 == 0) as server:
        async with (
            CuttingProxy(server.url, seed, cuts=12).running() as url,
            auricle.AuricleClient(url, reconnect=FAST) as client,
            await opened(client, start) as stream,
        ):
            talker = Talker(stream, seed)
            await talker.run()
        await server.until_deserted()
    spoken = [f"w{value}" for value in range(1, WORDS + 1)]
    assert words_of(talker.events) == spoken
    check_finalizes(talker)
    check_turns(talker.events, mode)
    for final in talker.finals:
        for each in final.words:
            assert each.start == pytest.approx(talker.starts[each.text], abs=1e-6)


def check_finalizes(talker: Talker) -> None:
    """Each is answered once, in order, and its final holds all that was said before it and nothing after."""
    said, answered = 0, []
    for final in talker.finals:
        said += len(final.text.split())
        if final.finalize_id is not None:
            answered.append(final.finalize_id)
            assert said == talker.asked[final.finalize_id]
    assert answered == list(talker.asked)


def check_turns(events: list[StreamEvent], mode: str) -> None:
    """What begins ends, once, and the turns' texts are the finals'."""
    bounds = [event for event in events if isinstance(event, SpeechStarted | TurnEnd)]
    if mode == "off":
        segments = [event for event in events if isinstance(event, Final) and event.text]
        assert len(bounds) == len(segments)
    else:
        assert [type(event) for event in bounds] == [SpeechStarted, TurnEnd] * (len(bounds) // 2)
        assert " ".join(event.text for event in bounds if isinstance(event, TurnEnd)).split() == words_of(events)
