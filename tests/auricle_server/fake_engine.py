"""A deterministic engine without a model, for tests of the code around engines. It fails on demand.

Words are coded by amplitude: a frame of 80 ms with a peak of n * 1000 is word n, unless the last frame was word n too.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine import Engine
from auricle_server.engine.key_terms.stream_terms import TermsOutcome
from auricle_server.engine.types import NO_MARK, Lease, LeaseEnded, NoSlot, StepResults, UnknownLatency
from auricle_server.model_info import ModelInfo

WORDS = ("one", "two", "three", "four")
FRAME = 1280
INFO = ModelInfo("stand-in", tuple(f"▁{word}" for word in WORDS), (80, 160), 80, ("en-US",), "en-US", 0.08, 4)


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


@dataclass
class _Row:
    lease: Lease
    samples: int
    found: list[tuple[int, int]]
    mark: int
    ended: bool


class FakeTerms:
    """What has become of key terms."""

    def __init__(self) -> None:
        self.settled: list[TermsOutcome] = []

    def outcomes(self) -> list[TermsOutcome]:
        settled, self.settled = self.settled, []
        return settled


class FakeEngine:
    """Has the interface of `Engine` that a worker uses.

    Attributes:
        poison: A flush with this mark fails.
        broken: Number of the next steps that fail.
        deaf: Number of the next pushes of audio that fail.
        step_seconds: Duration of a step.
        most_backlog: Longest audio of one stream that waited at any time, seconds.
        most_keyterms: Longest list of key terms for which there is room.
        restarts: How often audio was to be decoded again.
        decoded_again: The lease and the sample of each time.
        warmed: Seconds that were given for each part of the warm-up; after three of them nothing is left.
    """

    def __init__(self, slots: int = 4, step_seconds: float = 0.0) -> None:
        self.info = ModelInfo(**{**{name: getattr(INFO, name) for name in INFO.__slots__}, "slots": slots})
        self.poison: int | None = None
        self.broken = self.deaf = 0
        self.step_seconds = step_seconds
        self.steps = 0
        self.most_backlog = 0.0
        self.restarts = 0
        self.decoded_again: list[tuple[int, int]] = []
        self.warmed: list[float] = []
        self.most_keyterms = 1000
        self.terms = FakeTerms()
        self._streams: dict[int, _Stream] = {}
        self._free = list(range(slots, 0, -1))
        self._last = 0

    def as_engine(self) -> Engine:
        return cast("Engine", self)

    @property
    def ready(self) -> int:
        return sum(stream.due() is not None for stream in self._streams.values())

    @property
    def wait(self) -> float | None:
        return 0.0 if self.ready else None

    @property
    def slots_used(self) -> int:
        return len(self._streams)

    def warm_up(self, seconds: float) -> bool:
        self.warmed.append(seconds)
        return len(self.warmed) >= 3

    def open(self, latency_ms: int, language: str, keyterms: tuple[str, ...] = (), *, wait: bool = True) -> Lease:
        if len(self._streams) == self.info.slots:
            raise NoSlot("full")
        self._last += 1
        lease = Lease(self._last, self._free.pop())
        self._streams[lease.id] = _Stream(lease, latency_ms // 80)
        return lease

    def push(self, lease: Lease, pcm: npt.NDArray[np.int16]) -> None:
        stream = self._stream(lease)
        stream.audio = np.concatenate((stream.audio, pcm))

    def push_batch(self, batch: AudioBatch) -> None:
        if self.deaf:
            self.deaf -= 1
            raise RuntimeError("deaf")
        pieces = np.split(batch.pcm, np.cumsum(batch.lengths)[:-1])
        for slot, lease, pcm in zip(batch.slots.tolist(), batch.leases.tolist(), pieces, strict=True):
            stream = self._streams.get(lease)
            if stream is not None:
                assert stream.lease.slot == slot
                assert not (stream.flushes and stream.flushes[-1][2]), "audio behind the last flush"
                stream.audio = np.concatenate((stream.audio, pcm))
                self.most_backlog = max(self.most_backlog, (len(stream.audio) - stream.position) / 16000)

    def flush(self, lease: Lease, mark: int, last: bool = False) -> None:
        if mark == self.poison:
            raise RuntimeError("poisoned")
        stream = self._stream(lease)
        stream.flushes.append((len(stream.audio), mark, last))

    def change(
        self,
        lease: Lease,
        latency_ms: int | None = None,
        language: str | None = None,
        keyterms: tuple[str, ...] | None = None,
        wait: bool = True,
    ) -> None:
        stream = self._stream(lease)
        if keyterms is not None:
            self.terms.settled.append(TermsOutcome(lease, len(keyterms), in_force=len(keyterms) <= self.most_keyterms))
        if latency_ms not in (None, *self.info.latencies_ms):
            raise UnknownLatency("no such latency")
        stream.frames = stream.frames if latency_ms is None else latency_ms // 80

    def decode_again(self, lease: Lease, since: int) -> None:
        self._stream(lease)
        self.decoded_again.append((lease.id, since))
        self.restarts += 1

    def close(self, lease: Lease) -> None:
        if self._streams.pop(lease.id, None) is not None:
            self._free.insert(0, lease.slot)

    def step(self) -> StepResults:
        self.steps += 1
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the accelerator has fallen off the bus")
        time.sleep(self.step_seconds)
        due = [(stream, stream.due()) for stream in list(self._streams.values())]
        rows = [self._row(stream, end) for stream, end in due if end is not None]
        found = [token for row in rows for token in row.found]
        return StepResults(
            slots=np.array([row.lease.slot for row in rows], np.int32),
            leases=np.array([row.lease.id for row in rows], np.int64),
            samples=np.array([row.samples for row in rows], np.int64),
            marks=np.array([row.mark for row in rows], np.int64),
            ended=np.array([row.ended for row in rows], np.bool_),
            counts=np.array([len(row.found) for row in rows], np.int32),
            tokens=np.array([token for token, _ in found], np.int32),
            frames=np.array([frame for _, frame in found], np.int32),
            probabilities=np.full(len(found), 0.75, np.float32),
            confidences=np.full(len(found), 0.5, np.float32),
            seconds=self.step_seconds,
            chunk_frames=1,
            computed=len(rows),
        )

    def _row(self, stream: _Stream, end: int) -> _Row:
        found = []
        for start in range(stream.position, end, FRAME):
            level = int(stream.audio[start : min(start + FRAME, end)].max(initial=0)) // 1000
            if level not in (0, stream.level):
                found.append((level - 1, start // FRAME))
            stream.level = level
        stream.position = end
        mark, last = NO_MARK, False
        if stream.flushes and stream.flushes[0][0] == end:
            _, mark, last = stream.flushes.popleft()
        if last:
            self.close(stream.lease)
        return _Row(stream.lease, end, found, mark, last)

    def _stream(self, lease: Lease) -> _Stream:
        try:
            return self._streams[lease.id]
        except KeyError:
            raise LeaseEnded("ended") from None
