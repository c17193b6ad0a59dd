"""Slot leases without a worker: what a stream sends is read from the writer, what it gets is passed to the listener."""

from __future__ import annotations

from collections.abc import Sequence

from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import GatewayItem, StreamOpened
from auricle_server.model_info import ModelInfo

PIECES = ("▁one", "▁two", ".")
ONE, TWO, STOP = range(3)
INFO = ModelInfo("m", PIECES, (80, 160), 160, ("en-US", "de-DE"), "en-US", 0.08, 4)
STREAM = 7
SECOND = 16_000


class TestLease:
    """A lease of stream 7 in slot 3, and what went through it.

    Attributes:
        lease: The lease.
        released: How often it was given back.
        now: Seconds by its clock.
    """

    __test__ = False

    def __init__(self, info: ModelInfo = INFO, latency_ms: int = 160) -> None:
        self.released = 0
        self.now = 100.0
        self._writer = BatchWriter()
        opened = StreamOpened(STREAM, 3, 5)
        self.lease = SlotLease(self._writer, self._release, info, latency_ms, opened, lambda: self.now)

    def _release(self, number: int) -> None:
        assert number == STREAM
        self.released += 1

    def sent(self) -> tuple[bytes, Sequence[GatewayItem]]:
        """The audio and the items that the worker has been sent since the last call."""
        parts = self._writer.take().parts
        return b"".join(part.audio.pcm for part in parts), [item for part in parts for item in part.items]


def result(seconds: float, *tokens: int, mark: int | None = None, frame: int = 0) -> ChunkResult:
    """A result at this position of the stream's audio."""
    probabilities = (0.9,) * len(tokens)
    frames = tuple(range(frame, frame + len(tokens)))
    return ChunkResult(STREAM, round(seconds * SECOND), tokens, frames, probabilities, probabilities, mark)
