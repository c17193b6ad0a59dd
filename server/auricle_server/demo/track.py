"""What one stream of the demo heard, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum

from auricle_server.demo.programme import FRAME_SECONDS, Programme


class CaptionKind(Enum):
    """What a host reported."""

    INTERIM = "interim"
    FINAL = "final"
    TURN_END = "turn end"


@dataclass(frozen=True, slots=True)
class CaptionEvent:
    """One report of a host.

    Attributes:
        kind: What.
        text: The transcript it carried.
        at: Seconds after the stream's first sample was played: the wall clock, not the server's audio clock.
    """

    kind: CaptionKind
    text: str
    at: float


@dataclass(slots=True)
class Track:
    """One stream: its host, its latency, and what came of it.

    Attributes:
        adapter: Name of the host's adapter.
        latency_ms: Chunk latency asked for.
        programme: What is played.
        on_heard: Told of every report.
        heard: All reports so far.
        failure: Why the stream broke off; empty when it did not.
        lateness: Most seconds that a frame was played after its time; more than a little means a busy machine.
    """

    adapter: str
    latency_ms: int
    programme: Programme
    on_heard: Callable[[Track, CaptionEvent], None]
    heard: list[CaptionEvent] = field(default_factory=list)
    failure: str = ""
    lateness: float = 0.0
    _began: float | None = None

    @property
    def position(self) -> float:
        """Seconds played; 0 before the first frame."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def report(self, kind: CaptionKind, text: str) -> None:
        """Keeps what a host just said; interims that change nothing are dropped."""
        heard = CaptionEvent(kind, text.strip(), self.position)
        if kind is CaptionKind.INTERIM and (not heard.text or self._repeats(heard)):
            return
        self.heard.append(heard)
        self.on_heard(self, heard)

    def _repeats(self, heard: CaptionEvent) -> bool:
        return bool(self.heard) and (self.heard[-1].kind, self.heard[-1].text) == (heard.kind, heard.text)

    async def frames(self) -> AsyncIterator[bytes]:
        """Plays the programme: yields each frame when its last sample would have been spoken.

        The schedule is absolute: a late frame does not delay those after it.
        """
        self._began = time.monotonic()
        for number in range(self.programme.frames):
            due = self._began + (number + 1) * FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.lateness = max(self.lateness, time.monotonic() - due)
            yield self.programme.frame(number)
