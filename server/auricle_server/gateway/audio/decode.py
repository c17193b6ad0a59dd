"""Decodes binary messages to 16 kHz signed 16-bit PCM: expands G.711, then resamples."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from auricle.protocol.client_messages import Encoding, Start
from auricle.resample import Resampler
from auricle_server.ipc.messages import SAMPLE_RATE

_PCM = np.dtype("<i2")


@cache
def companding_table(encoding: Encoding) -> npt.NDArray[np.int16]:
    """Linear value of each of the 256 codes of ITU-T G.711, in 16 bits."""
    codes = np.arange(256, dtype=np.int32)
    if encoding == "mulaw":
        # G.711 sends mu-law codes inverted. 0x84 is its bias of 33 in 16 bits (33 << 2): with it, each segment is the
        # one before it, doubled.
        codes = ~codes & 0xFF
        magnitude = (((codes & 0x0F) << 3) + 0x84 << ((codes & 0x70) >> 4)) - 0x84
        return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)
    # A-law inverts every other bit. Segments 0 and 1 have one step size; 8 and 0x108 hold half a step, so that values
    # lie in the middle of their intervals. A set sign bit is positive, unlike in mu-law once inverted.
    codes ^= 0x55
    segment, step = (codes & 0x70) >> 4, (codes & 0x0F) << 4
    magnitude = np.where(segment == 0, step + 8, step + 0x108 << np.maximum(segment - 1, 0))
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


class AudioDecoder:
    """Decodes the audio of one stream.

    Args:
        encoding: Of the binary messages.
        sample_rate: Samples per second of the binary messages.
    """

    @staticmethod
    def passes(start: Start) -> bool:
        """Whether the stream's audio is 16 kHz PCM already and needs no decoder."""
        return start.encoding == "pcm_s16le" and start.sample_rate == SAMPLE_RATE

    def __init__(self, encoding: Encoding, sample_rate: int) -> None:
        self._table = None if encoding == "pcm_s16le" else companding_table(encoding)
        self._resampler = None if sample_rate == SAMPLE_RATE else Resampler(sample_rate, SAMPLE_RATE)

    @property
    def delay_seconds(self) -> float:
        """Seconds by which the output lags behind the input, until `flush`."""
        return 0.0 if self._resampler is None else self._resampler.delay_seconds

    def decode(self, data: bytes) -> bytes:
        """16 kHz PCM of a message of whole samples; at other rates the last few milliseconds wait for more audio."""
        if self._table is None and self._resampler is None:
            return data
        samples = np.frombuffer(data, _PCM) if self._table is None else self._table[np.frombuffer(data, np.uint8)]
        if self._resampler is None:
            return samples.astype(_PCM).tobytes()
        return _pcm(self._resampler.push(samples.astype(np.float32)))

    def flush(self) -> bytes:
        """The audio that was held back. The stream goes on from there, on the same clock."""
        return b"" if self._resampler is None else _pcm(self._resampler.flush())


def _pcm(samples: npt.NDArray[np.float32]) -> bytes:
    # The filter overshoots beside loud edges, and a cast without the clip would wrap to the other sign.
    return np.clip(np.rint(samples), -32768, 32767).astype(_PCM).tobytes()
