"""One stream of the demo: its audio, and the captions that its host reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum

from auricle_server.demo.programme import FRAME_SECONDS, Programme


class CaptionKind(Enum):
    """Kinds of reports of a host."""

    INTERIM = "interim"
    FINAL = "final"
    TURN_END = "turn end"


@dataclass(frozen=True, slots=True)
class CaptionEvent:
    """One report of a host.

    Attributes:
        kind: The kind of the report.
        text: The transcript of the report.
        at: Seconds after the stream's first sample was played: the wall clock, not the server's audio clock.
    """

    kind: CaptionKind
    text: str
    at: float


@dataclass(slots=True)
class Track:
    """One stream: its host, its latency, and its results.

    Attributes:
        adapter: Name of the host's adapter.
        latency_ms: Requested chunk latency.
        programme: The audio, and the utterances in it.
        on_caption: Called with every report.
        captions: All reports so far.
        failure: Why the stream failed; empty when it did not.
        lateness: Largest delay of a frame after its due time, seconds; a high value means a busy machine.
    """

    adapter: str
    latency_ms: int
    programme: Programme
    on_caption: Callable[[Track, CaptionEvent], None]
    captions: list[CaptionEvent] = field(default_factory=list)
    failure: str = ""
    lateness: float = 0.0
    _began: float | None = None

    @property
    def position(self) -> float:
        """Seconds played; 0 before the first frame."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def report(self, kind: CaptionKind, text: str) -> None:
        """Adds a report of the host; an interim that is empty or changes nothing is dropped."""
        caption = CaptionEvent(kind, text.strip(), self.position)
        if kind is CaptionKind.INTERIM and (not caption.text or self._repeats(caption)):
            return
        self.captions.append(caption)
        self.on_caption(self, caption)

    def _repeats(self, caption: CaptionEvent) -> bool:
        return bool(self.captions) and (self.captions[-1].kind, self.captions[-1].text) == (caption.kind, caption.text)

    async def frames(self) -> AsyncIterator[bytes]:
        """Plays the programme: yields each frame at the time at which its last sample is spoken.

        The schedule is absolute: a late frame does not delay the next ones.
        """
        self._began = time.monotonic()
        for number in range(self.programme.frames):
            due = self._began + (number + 1) * FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.lateness = max(self.lateness, time.monotonic() - due)
            yield self.programme.frame(number)
