"""When audio is worth a message. Numbers only: no clock.

A model works in chunks: audio that does not complete one changes nothing, and a WebSocket message costs about the same
for 20 ms as for 160 ms. So audio is sent when it reaches a point at which the server can use it.
"""

from __future__ import annotations

import math

from auricle.protocol.server_messages import ChunkGrid

LONGEST_WAIT_SECONDS = 0.16
"""Audio is sent at least this often, however long the server's chunks are: a break then loses little on the way, and a
slow network need not carry a whole chunk at the moment at which it is needed."""


class Packetizer:
    """The points of the audio up to which it is sent.

    The last sample that a chunk needs is sent at once; samples after it wait for the next point.

    Args:
        sample_rate: Samples per second.
        packet_seconds: Distance between the points while the server's chunks are not known.
        chunks: The server's.
    """

    def __init__(self, sample_rate: int, packet_seconds: float, chunks: ChunkGrid | None = None) -> None:
        if chunks is None or chunks.step <= 0:
            self._first: float | None = None
            self._step = max(1.0, packet_seconds * sample_rate)
        else:
            # Rounded to thousandths of a sample: 80 ms are whole at any rate, but not as a binary fraction.
            self._first = round(chunks.first * sample_rate, 3)
            self._step = round(chunks.step * sample_rate, 3) / math.ceil(chunks.step / LONGEST_WAIT_SECONDS - 1e-6)

    def is_due(self, sent: int, given: int) -> bool:
        """Whether a point lies after the first `sent` samples of the connection and within the first `given`."""
        if self._first is None:
            return given - sent >= self._step
        passed = math.floor((sent - self._first) / self._step)
        return given >= self._first + (passed + 1) * self._step
