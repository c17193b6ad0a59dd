"""Calls of the real client, and what became of their words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import count

from auricle import AuricleError, Error, Final, Reconnected, Reconnecting, Stream, StreamEvent, TurnEnd, TurnSettings
from auricle.client import AuricleClient
from auricle.protocol.client_messages import Start
from auricle.reconnect import ReconnectPolicy
from tests.support.tones import SAMPLE_RATE
from tests.torture.phrases import FRAME_BYTES, SILENCE_MS, Phrase, phrases

ASKED, TURNS = TurnSettings("off"), TurnSettings("silence", SILENCE_MS)
"""A caller who finalizes after each phrase, and one whose turns the server ends."""
LATENCIES = (560, 160, 560, 80)
_END_SECONDS = 120.0
"""A server that has not ended a stream by then never will."""


@dataclass
class Outcome:
    """What a call said and what was heard of it.

    Attributes:
        asks: Whether it finalizes; otherwise the server ends its turns.
        said: Texts of the phrases.
        finals: Texts of the finals with words.
        turns: Texts of the turns.
        answers: The finalizes that were answered, in order.
        waits: Time of a finalize's answer (monotonic), and the seconds that it took.
        outages: Seconds of each break, until the connection was there again.
        resumed: How many of these were resumed by the same server.
        lost_seconds: Audio that the client could not keep for a replay.
        errors: Codes of the error events, none of which ended the call.
        failure: Why the server or the client ended it; empty for a call that ended well.
    """

    asks: bool
    said: list[str] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    outages: list[float] = field(default_factory=list)
    resumed: int = 0
    lost_seconds: float = 0.0
    errors: list[str] = field(default_factory=list)
    failure: str = ""
    _asked: dict[str, float] = field(default_factory=dict)
    _broken_at: float | None = None

    def asked(self, finalize_id: str) -> None:
        """Notes that an answer is wanted from now on."""
        self._asked[finalize_id] = time.monotonic()

    def note(self, event: StreamEvent) -> None:
        """Takes an event into account."""
        now = time.monotonic()
        match event:
            case Final():
                self.finals += [event.text] if event.text else []
                if event.finalize_id is not None:
                    self.answers.append(event.finalize_id)
                    self.waits.append((now, now - self._asked[event.finalize_id]))
            case TurnEnd():
                self.turns.append(event.text)
            case Error():
                self.errors.append(event.code)
            case Reconnecting() if self._broken_at is None:
                self._broken_at = now
            case Reconnected():
                self.outages.append(now - (self._broken_at or now))
                self.resumed += event.resumed
                self.lost_seconds += event.lost_seconds
                self._broken_at = None

    def problems(self) -> list[str]:
        """What went wrong; empty for a call that lost nothing."""
        found = [f"ended by us: {self.failure}"] if self.failure else []
        lost, added = difference(" ".join(self.said).split(), " ".join(self.finals).split())
        found += [f"words lost: {' '.join(lost)}"] if lost else []
        found += [f"words added: {' '.join(added)}"] if added else []
        found += [f"{self.lost_seconds:.1f} s of audio lost"] if self.lost_seconds else []
        found += [f"error event {code}" for code in self.errors]
        if self.asks and self.answers != [str(number) for number in range(len(self.said))]:
            found.append(f"{len(self.said)} finalizes have {len(self.answers)} answers, or not in order")
        if not self.asks and self.turns != self.said:
            found.append(f"{len(self.said)} turns ended as {len(self.turns)}, or with other words")
        return found


def difference(said: list[str], heard: list[str]) -> tuple[list[str], list[str]]:
    """The words that were said and not heard, and those that were heard and not said."""
    lost, added = list[str](), list[str]()
    if said == heard:  # at once, for the thousands of words of an hour
        return lost, added
    for kind, from_said, to_said, from_heard, to_heard in SequenceMatcher(None, said, heard, False).get_opcodes():
        if kind != "equal":
            lost += said[from_said:to_said]
            added += heard[from_heard:to_heard]
    return lost, added


async def converse(stream: Stream, talk: Iterable[Phrase], *, ask: bool, speed: float = 1.0) -> Outcome:
    """Speaks `talk` on an open stream at `speed` times the speed of speech, ends it, and returns what was heard."""
    outcome = Outcome(ask)
    listening = asyncio.create_task(_listen(stream, outcome))
    try:
        await _speak(stream, talk, outcome, speed)
        await asyncio.wait_for(listening, _END_SECONDS)
    except AuricleError as error:
        outcome.failure = outcome.failure or repr(error)
    except TimeoutError:
        outcome.failure = f"no end within {_END_SECONDS:g} s"
    finally:
        listening.cancel()
    return outcome


async def _listen(stream: Stream, outcome: Outcome) -> None:
    try:
        async for event in stream:
            outcome.note(event)
    except AuricleError as error:
        outcome.failure = repr(error)


async def _speak(stream: Stream, talk: Iterable[Phrase], outcome: Outcome, speed: float) -> None:
    began, position = time.monotonic(), 0
    for number, phrase in enumerate(talk):
        outcome.said.append(phrase.text)
        wanted = outcome.asks
        for at in range(0, len(phrase.audio), FRAME_BYTES):
            await stream.send(phrase.audio[at : at + FRAME_BYTES])
            if wanted and at + FRAME_BYTES >= phrase.asked:
                wanted = False
                outcome.asked(str(number))
                await stream.finalize(str(number))
            position += FRAME_BYTES
            # An absolute schedule: a slow server must not slow the caller down and hide its own delay.
            await asyncio.sleep(max(0.0, began + position / (2 * SAMPLE_RATE) / speed - time.monotonic()))
    await stream.end()


class LiveCalls:
    """Calls that go on until they are told to end; one that fails is counted and followed by another.

    Args:
        url: Of the server.
        calls: How many at a time.
        seed: Of their words.
        prefix: Of their names in the report.
        answer_timeout: Seconds after which a server that owes an answer counts as gone; see `ClientOptions`.
        latencies: Chunk latencies of the calls in turn, in milliseconds.

    Attributes:
        over: Set when the calls are to end.
        outcomes: What became of all calls so far that have ended, by name.
        opened: How many streams have been opened.
    """

    def __init__(
        self,
        url: str,
        calls: int,
        seed: int,
        prefix: str,
        answer_timeout: float = 5.0,
        latencies: Sequence[int] = LATENCIES,
    ) -> None:
        self.over = asyncio.Event()
        self.outcomes: dict[str, Outcome] = {}
        self.opened = 0
        # The same share as of a client's defaults: a machine that is slow to answer is slow to settle audio, too.
        policy = ReconnectPolicy(replay_seconds=12 * answer_timeout)
        self._client = AuricleClient(url, answer_timeout=answer_timeout, reconnect=policy)
        self._prefix = prefix
        self._latencies = latencies
        self._tasks = [asyncio.create_task(self._hold(number, seed + number)) for number in range(calls)]

    async def finish(self) -> dict[str, Outcome]:
        """Lets the calls end after their phrase; returns what became of all."""
        self.over.set()
        await asyncio.gather(*self._tasks)
        await self._client.aclose()
        return self.outcomes

    async def abandon(self) -> None:
        """Drops the calls, for a run that has failed otherwise."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _hold(self, number: int, seed: int) -> None:
        await asyncio.sleep(number * 0.13)  # so that not all phrases end at once
        turn, latency_ms = (ASKED, TURNS)[number % 2], self._latencies[number // 2 % len(self._latencies)]
        for attempt in count():
            outcome = Outcome(turn is ASKED)
            try:
                stream = await self._client.open(Start(latency_ms=latency_ms, turn=turn))
            except AuricleError as error:
                outcome.failure = f"not opened: {error!r}"
                await asyncio.sleep(1)
            else:
                self.opened += 1
                async with stream:
                    outcome = await converse(stream, self._talk(seed + 1000 * attempt), ask=turn is ASKED)
            self.outcomes[f"{self._prefix}{number}{f' again {attempt}' if attempt else ''}"] = outcome
            if self.over.is_set():
                return

    def _talk(self, seed: int) -> Iterator[Phrase]:
        for phrase in phrases(seed):
            yield phrase
            if self.over.is_set():
                return
