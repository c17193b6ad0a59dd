"""Audio that was received and is not computed yet: a ring of blocks per slot, in host memory.

A block is the audio that one encoder frame adds to what its slot holds on the device, so the input of a chunk is a run
of whole blocks, and the input of a batch is one gather. A ring holds a few chunks; audio that arrives faster than it is
computed (a file, a replay) waits in pieces until the ring has space.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.batch_rows import Int64s, Slots
from auricle_server.engine.types import Pcm


class AudioRings:
    """The audio of every slot.

    Attributes:
        received: Samples received for each slot, pieces outside of its ring included, [slots + 1].

    Args:
        geometry: Of the model.
        slots: Highest slot.
        longest: Encoder frames of the longest chunk.
        kept: Encoder frames before a stream's position whose audio is kept.
    """

    def __init__(self, geometry: FrameGeometry, slots: int, longest: int, kept: int = 0) -> None:
        self._block = geometry.frame_samples
        # Silence before the stream, 1080 samples for the published models: with it, block k is what frame k adds.
        self._lead = -geometry.input_start(0)
        self._blocks = 2 * longest + 2 + kept
        self._kept = kept
        self._size = self._blocks * self._block
        self._rings = np.zeros((slots + 1, self._size), np.int16)
        self.received = np.zeros(slots + 1, np.int64)
        self._limit = np.zeros(slots + 1, np.int64)
        """First sample of each slot that would overwrite audio which is still needed."""
        self._waiting: dict[int, deque[Pcm]] = {}

    def reset(self, slot: int) -> None:
        """Prepares a slot for a new stream, with silence before its first sample."""
        self._rings[slot, : self._lead] = 0
        self.received[slot] = 0
        self._limit[slot] = self._size - self._lead
        self._waiting.pop(slot, None)

    def append(self, slot: int, pcm: Pcm) -> None:
        """Adds audio to one stream."""
        at = int(self.received[slot])
        self.received[slot] = at + len(pcm)
        # Behind pieces that wait, new audio waits too, even if it fitted: it would overtake them.
        if slot in self._waiting:
            self._waiting[slot].append(pcm)
            return
        fits = int(self._limit[slot]) - at
        self._write(slot, at, pcm[:fits])
        if len(pcm) > fits:
            self._waiting[slot] = deque([pcm[fits:]])

    def append_batch(self, batch: AudioBatch) -> None:
        """Adds audio to several streams; a slot may occur more than once."""
        end = 0
        # A slice assignment per entry: index arithmetic per sample would cost ten times as much.
        for slot, length in zip(batch.slots.tolist(), batch.lengths.tolist(), strict=True):
            begin, end = end, end + length
            self.append(slot, batch.pcm[begin:end])

    def gather(self, slots: Slots, position: Int64s, frames: int, out: Pcm) -> None:
        """Copies the new audio of one chunk per row.

        Args:
            slots: [B].
            position: First encoder frame of each chunk, [B].
            frames: Of a chunk, c.
            out: [B, c * frame_samples], contiguous.
        """
        block = (position[:, None] + np.arange(frames)) % self._blocks
        block += slots.astype(np.int64)[:, None] * self._blocks
        rows = out.reshape(-1, self._block)
        # NumPy buffers `out` in its default mode, raise; the indices are in range anyway.
        np.take(self._rings.reshape(-1, self._block), block.ravel(), axis=0, out=rows, mode="clip")

    def release(self, slots: Slots, position: Int64s) -> None:
        """Gives up the audio before the chunks at the given positions, [B] each, that is not to be kept."""
        limit = np.maximum(position - self._kept, 0) * self._block - self._lead + self._size
        # Never back: a stream whose audio is decoded again has the ring filled beyond its position.
        self._limit[slots] = np.maximum(self._limit[slots], limit)
        if self._waiting:
            for slot in slots.tolist():
                if slot in self._waiting:
                    self._refill(slot)

    def first_kept(self, slot: int) -> int:
        """First encoder frame of a slot whose audio is there."""
        return int(self._limit[slot] - self._size + self._lead) // self._block

    def _refill(self, slot: int) -> None:
        pieces = self._waiting[slot]
        at = int(self.received[slot]) - sum(map(len, pieces))
        while pieces and at < self._limit[slot]:
            fits = int(self._limit[slot]) - at
            piece = pieces.popleft()
            self._write(slot, at, piece[:fits])
            at += min(fits, len(piece))
            if len(piece) > fits:
                pieces.appendleft(piece[fits:])
        if not pieces:
            del self._waiting[slot]

    def _write(self, slot: int, at: int, pcm: Pcm) -> None:
        """Writes audio that fits into the ring, from sample `at` of the stream on."""
        begin = (at + self._lead) % self._size
        first = min(len(pcm), self._size - begin)
        ring = self._rings[slot]
        ring[begin : begin + first] = pcm[:first]
        if first < len(pcm):
            ring[: len(pcm) - first] = pcm[first:]
