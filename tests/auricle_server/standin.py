"""A deterministic engine for tests of what is around engines: it hears amplitude-coded words, and fails on demand.

A frame of 80 ms whose peak is n * 1000 is the word n when the frame before it was another.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from auricle_server.engine import Engine, EngineInfo, Lease, LeaseEnded, NoSlot, RowResult

WORDS = ("one", "two", "three", "four")
FRAME = 1280
INFO = EngineInfo("stand-in", tuple(f"▁{word}" for word in WORDS), (80, 160), 80, ("en-US",), "en-US", 0.08, 4)


def speech(*words: str | None, frames: int = 2) -> bytes:
    """PCM of words (None is a pause), each `frames` encoder frames long."""
    levels = [0 if word is None else 1000 * (WORDS.index(word) + 1) for word in words]
    return np.repeat(np.array(levels, "<i2"), FRAME * frames).tobytes()


@dataclass
class _Stream:
    lease: Lease
    frames: int
    audio: npt.NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    position: int = 0
    level: int = 0
    flushes: deque[tuple[int, int, bool]] = field(default_factory=deque)

    def due(self) -> int | None:
        """End of the next row."""
        end = self.position + self.frames * FRAME
        if self.flushes and self.flushes[0][0] < end:
            return self.flushes[0][0]
        return end if end <= len(self.audio) else None


class StandIn:
    """An `Engine` as far as a worker can tell.

    Attributes:
        poison: A push of this value fails.
        broken: How many of the next steps fail.
        step_seconds: How long a step takes.
        most_backlog: The most audio of one stream that ever waited, seconds.
    """

    def __init__(self, slots: int = 4, step_seconds: float = 0.0) -> None:
        self.info = EngineInfo(**{**{name: getattr(INFO, name) for name in INFO.__slots__}, "slots": slots})
        self.poison: bytes | None = None
        self.broken = 0
        self.step_seconds = step_seconds
        self.steps = 0
        self.most_backlog = 0.0
        self._streams: dict[int, _Stream] = {}
        self._last = 0

    def as_engine(self) -> Engine:
        return cast("Engine", self)

    @property
    def ready(self) -> int:
        return sum(stream.due() is not None for stream in self._streams.values())

    @property
    def slots_used(self) -> int:
        return len(self._streams)

    def open(self, latency_ms: int, language: str) -> Lease:
        if len(self._streams) == self.info.slots:
            raise NoSlot("full")
        self._last += 1
        lease = Lease(self._last, self._last)
        self._streams[lease.id] = _Stream(lease, latency_ms // 80)
        return lease

    def push(self, lease: Lease, pcm: bytes) -> None:
        if pcm == self.poison:
            raise RuntimeError("poisoned")
        stream = self._stream(lease)
        stream.audio = np.concatenate((stream.audio, np.frombuffer(pcm, np.int16)))
        self.most_backlog = max(self.most_backlog, (len(stream.audio) - stream.position) / 16000)

    def flush(self, lease: Lease, mark: int, last: bool = False) -> None:
        stream = self._stream(lease)
        stream.flushes.append((len(stream.audio), mark, last))

    def change(self, lease: Lease, latency_ms: int | None = None, language: str | None = None) -> None:
        stream = self._stream(lease)
        stream.frames = stream.frames if latency_ms is None else latency_ms // 80

    def close(self, lease: Lease) -> None:
        self._streams.pop(lease.id, None)

    def step(self) -> list[RowResult]:
        self.steps += 1
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the accelerator has fallen off the bus")
        time.sleep(self.step_seconds)
        rows = [(stream, stream.due()) for stream in list(self._streams.values())]
        return [self._row(stream, end) for stream, end in rows if end is not None]

    def _row(self, stream: _Stream, end: int) -> RowResult:
        tokens, frames = [], []
        for start in range(stream.position, end, FRAME):
            level = int(stream.audio[start : min(start + FRAME, end)].max(initial=0)) // 1000
            if level not in (0, stream.level):
                tokens.append(level - 1)
                frames.append(start // FRAME)
            stream.level = level
        stream.position = end
        mark, last = None, False
        if stream.flushes and stream.flushes[0][0] == end:
            _, mark, last = stream.flushes.popleft()
        if last:
            self.close(stream.lease)
        return RowResult(stream.lease, end, tuple(tokens), tuple(frames), (0.9,) * len(tokens), mark, last)

    def _stream(self, lease: Lease) -> _Stream:
        try:
            return self._streams[lease.id]
        except KeyError:
            raise LeaseEnded("ended") from None
