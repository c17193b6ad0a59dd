"""When audio is worth a message. Numbers only: no clock."""

from __future__ import annotations

import math

from auricle.protocol.server_messages import ChunkGrid

LONGEST_WAIT_SECONDS = 0.16
"""However long the server's chunks are, audio goes out this often: a connection that breaks then takes little with it,
and a slow one need not carry a whole chunk in the moment in which it is wanted."""


class Packetizer:
    """The points of the audio up to which it is sent.

    The last sample that a chunk needs goes at once; what the server could not use yet waits.

    Args:
        sample_rate: Samples per second.
        packet_seconds: Distance of the points where the server's chunks are not known.
        chunks: The server's.
    """

    def __init__(self, sample_rate: int, packet_seconds: float, chunks: ChunkGrid | None = None) -> None:
        if chunks is None or chunks.step <= 0:
            self._first: float | None = None
            self._step = max(1.0, packet_seconds * sample_rate)
        else:
            # In thousandths: 80 ms are whole at any rate, but not as a binary fraction.
            self._first = round(chunks.first * sample_rate, 3)
            self._step = round(chunks.step * sample_rate, 3) / math.ceil(chunks.step / LONGEST_WAIT_SECONDS - 1e-6)

    def is_due(self, sent: int, said: int) -> bool:
        """Whether a point lies between what was sent and what was said, in samples since the connection began."""
        if self._first is None:
            return said - sent >= self._step
        passed = math.floor((sent - self._first) / self._step)
        return said >= self._first + (passed + 1) * self._step
