"""An engine that computes nothing, in no time: what is measured around it is the cost of everything else."""

from __future__ import annotations

from typing import cast

import numpy as np

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine import Engine
from auricle_server.engine.scheduling.slot_pool import SlotPool
from auricle_server.engine.types import NO_MARK, Lease, StepResults
from auricle_server.model_info import ModelInfo

FRAME = 1280
WORD_EVERY = 4
"""A token every so many frames: three a second, as in speech."""


class SilentEngine:
    """An `Engine` as far as a worker can tell; all streams have the same chunk size."""

    def __init__(self, slots: int, latency_ms: int) -> None:
        pieces = ("▁one", "▁two", "▁three")
        self.info = ModelInfo("silent", pieces, (latency_ms,), latency_ms, ("en-US",), "en-US", 0.08, slots)
        self._frames = latency_ms // 80
        self._slots = SlotPool(slots)
        self._lease_of = np.zeros(slots + 1, np.int64)
        self._heard = np.zeros(slots + 1, np.int64)
        self._done = np.zeros(slots + 1, np.int64)
        self.restarts = 0
        self._flushes: list[tuple[Lease, int, bool]] = []

    def as_engine(self) -> Engine:
        """Itself."""
        return cast("Engine", self)

    def _ready(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        return np.flatnonzero(self._heard - self._done >= self._frames * FRAME)

    @property
    def ready(self) -> int:
        """Rows and answers."""
        return len(self._ready()) + len(self._flushes)

    @property
    def wait(self) -> float | None:
        """Never for company."""
        return 0.0 if self.ready else None

    @property
    def slots_used(self) -> int:
        """Streams now."""
        return self._slots.used

    def open(self, latency_ms: int, language: str) -> Lease:
        """Takes a slot."""
        lease = self._slots.take()
        self._lease_of[lease.slot] = lease.id
        self._heard[lease.slot] = self._done[lease.slot] = 0
        return lease

    def push_batch(self, batch: AudioBatch) -> None:
        """Counts samples."""
        np.add.at(self._heard, batch.slots, batch.lengths)

    def flush(self, lease: Lease, mark: int, last: bool = False) -> None:
        """Is answered by the next step."""
        self._flushes.append((lease, mark, last))

    def change(self, lease: Lease, latency_ms: int | None = None, language: str | None = None) -> None:
        """Changes nothing."""

    def close(self, lease: Lease) -> None:
        """Gives the slot back."""
        if self._lease_of[lease.slot] == lease.id:
            self._lease_of[lease.slot] = self._heard[lease.slot] = self._done[lease.slot] = 0
            self._slots.release(lease)

    def step(self) -> StepResults:
        """A chunk of every stream that has one, and the answers."""
        slots = self._ready()
        self._done[slots] += self._frames * FRAME
        flushes, self._flushes = self._flushes, []
        frames = self._done[slots] // FRAME
        counts = (frames // WORD_EVERY - (frames - self._frames) // WORD_EVERY).astype(np.int32)
        at = np.repeat(frames, counts)
        leases = [*self._lease_of[slots].tolist(), *(lease.id for lease, *_ in flushes)]
        results = StepResults(
            slots=np.array([*slots.tolist(), *(lease.slot for lease, *_ in flushes)], np.int32),
            leases=np.array(leases, np.int64),
            samples=np.array(
                [*self._done[slots].tolist(), *(self._heard[each.slot] for each, *_ in flushes)], np.int64
            ),
            marks=np.array([NO_MARK] * len(slots) + [mark for _, mark, _ in flushes], np.int64),
            ended=np.array([False] * len(slots) + [last for *_, last in flushes], np.bool_),
            counts=np.array([*counts.tolist(), *(0 for _ in flushes)], np.int32),
            tokens=(at // WORD_EVERY % 3).astype(np.int32),
            frames=at.astype(np.int32),
            probabilities=np.full(len(at), 0.9, np.float32),
            confidences=np.full(len(at), 0.9, np.float32),
            chunk_frames=self._frames,
            computed=len(slots),
        )
        for lease, _, last in flushes:
            if last:
                self.close(lease)
        return results
