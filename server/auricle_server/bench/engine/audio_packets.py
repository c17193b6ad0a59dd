"""The audio of many live streams, packet by packet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auricle_server.bench.clips import SAMPLE_RATE, load_clips

Pcm = npt.NDArray[np.int16]

PACKET_SECONDS = 0.02
PACKET_SAMPLES = round(PACKET_SECONDS * SAMPLE_RATE)
PHASES = 5
"""Packets of a fifth of the streams each arrive together, every 4 ms."""


class Speakers:
    """`streams` voices that all speak at once, each from a place of its own in the recordings.

    Args:
        streams: How many.
        seed: The same seed gives the same audio.
    """

    def __init__(self, streams: int, seed: int = 0) -> None:
        tape = np.concatenate([clip.pcm for clip in load_clips()])
        self._length = len(tape)
        around = np.concatenate((tape, tape[:PACKET_SAMPLES]))
        self._windows = np.lib.stride_tricks.sliding_window_view(around, PACKET_SAMPLES)
        self._start = np.random.default_rng(seed).integers(0, len(tape), streams)

    def packet(self, rows: npt.NDArray[np.int64], number: int | npt.NDArray[np.int64]) -> Pcm:
        """Packet `number`, one for all or one each, of the given streams, [len(rows) * PACKET_SAMPLES]."""
        at = (self._start[rows] + number * PACKET_SAMPLES) % self._length
        packets: Pcm = self._windows[at].reshape(-1)
        return packets

    def audio(self, row: int, samples: int) -> Pcm:
        """The first samples of one stream."""
        packets = -(-samples // PACKET_SAMPLES)
        rows = np.array([row])
        return np.concatenate([self.packet(rows, number) for number in range(packets)])[:samples]
