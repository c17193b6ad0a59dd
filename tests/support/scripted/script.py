"""What a test has a scripted server do: whom it refuses, what goes wrong on a connection, how it answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from auricle.protocol import (
    Limits,
    Ready,
    Start,
)
from tests.support.recogniser import Recogniser

PATIENCE = 10.0
"""Seconds a test waits for what must come; never how long it takes."""

READY = Ready(
    session="",
    model="scripted-model",
    latencies_ms=(80, 160, 560),
    languages=("en-US", "de-DE"),
    latency_ms=80,
    language="en-US",
    limits=Limits(message_bytes=1 << 20, buffered_seconds=30.0, stream_seconds=3600.0, idle_seconds=60.0),
)


@dataclass(frozen=True)
class Refusal:
    """An answer to the upgrade request: the stream never opens."""

    status: int
    retry_after: str | None = None
    error: str | None = None
    """The code and the sentence."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong on one connection.

    Attributes:
        kind: ``"abort"`` breaks it, ``"stall"`` reads nothing more, ``"close"`` sends a close frame, ``"fail"`` a fatal
            error, ``"garbage"`` no JSON.
        after: Messages of the client before that; the `Start` is the first.
        seconds: Audio recognised before that, instead.
        code: Of the error.
        close_code: Of the close frame.
    """

    kind: Literal["abort", "stall", "close", "fail", "garbage"]
    after: int = 1
    seconds: float | None = None
    code: str = "internal"
    close_code: int = 1011


@dataclass
class Script:
    """What a test has a server do, and what the server notes of its streams.

    Attributes:
        recogniser: Makes the recogniser of a stream; None leaves the answers to the test.
        ready: The answer to each start, apart from what the start asks for.
        key: That clients must have.
        tls: For ``wss``.
        refusals: Answers to the next upgrade requests, before any is accepted.
        faults: Of the next connections.
        failures: Codes and sentences that answer the next starts.
        refused_languages: Updates to these are refused.
        takes_keyterms: Whether key terms are no error.
        keyterms_code: Code of the error that they are.
        final_delay: Seconds that the answer to a finalize is held back.
        forgetful: Whether finals come out empty, whatever the interims said.
        starts: Of all streams, in order.
        finished: How many streams had their end answered.
        answering: Cleared while a start gets no answer.
        released: Ends the stalls.
    """

    recogniser: Callable[[Start], Recogniser] | None = None
    ready: Ready = READY
    key: str | None = None
    tls: ssl.SSLContext | None = None
    refusals: list[Refusal] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    refused_languages: frozenset[str] = frozenset({"xx"})
    takes_keyterms: bool = True
    keyterms_code: str = "unsupported_keyterms"
    final_delay: float = 0.0
    forgetful: bool = False
    starts: list[Start] = field(default_factory=list)
    finished: int = 0
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answering.set()
        self._changed = asyncio.Condition()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until what clients did fulfils `condition`."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def notify(self) -> None:
        """Has every `until` look again."""
        async with self._changed:
            self._changed.notify_all()
