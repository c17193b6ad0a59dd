"""From the audio of frames, whatever their rate and channels, to that of the stream: mono at one rate."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
from loguru import logger

from auricle.audio import mix_channels
from auricle.resample import Resampler

SAMPLE_BYTES = 2

_Samples = npt.NDArray[np.float32]


class AudioConverter:
    """Little-endian signed 16-bit audio of one stream. The rate and the number of channels may change at any frame.

    Channels are averaged. Where that would cancel them, as with a microphone whose two wires are swapped on one side,
    the first one is taken.

    Args:
        sample_rate: Samples per second of the stream.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._input = (sample_rate, 1)
        self._known = {self._input}
        self._warned = False
        self._resampler: Resampler | None = None

    def convert(self, pcm: bytes, sample_rate: int, channels: int) -> bytes:
        """The audio that `pcm` completes, in whole samples. A part of a sample at its end is dropped.

        Args:
            pcm: Interleaved samples.
            sample_rate: Of `pcm`; 0 where the transport does not say, which is taken for that of the stream.
            channels: Of `pcm`.
        """
        given = (sample_rate if sample_rate > 0 else self._sample_rate, max(1, channels))
        before = b"" if given == self._input else self._change_input(given)
        width = SAMPLE_BYTES * given[1]
        pcm = pcm[: len(pcm) // width * width]
        if given == (self._sample_rate, 1):
            return before + pcm
        mono = self._mix(np.frombuffer(pcm, "<i2").reshape(-1, given[1]).astype(np.float32))
        return before + _to_pcm(mono if self._resampler is None else self._resampler.push(mono))

    def flush(self) -> bytes:
        """What the resampler holds back: the last milliseconds, without which a final would lack its last sound."""
        return b"" if self._resampler is None else _to_pcm(self._resampler.flush())

    def _mix(self, channels: _Samples) -> _Samples:
        """One channel of those in `channels`, of the shape [samples, channels]."""
        mixed, cancelled = mix_channels(channels)
        if cancelled and not self._warned:
            self._warned = True
            logger.warning("auricle: the channels of the audio cancel each other; only the first one is heard")
        return cast("_Samples", mixed)

    def _change_input(self, given: tuple[int, int]) -> bytes:
        tail = b""
        if given[0] != self._input[0]:
            tail = self.flush()
            self._resampler = None if given[0] == self._sample_rate else Resampler(given[0], self._sample_rate)
        self._input = given
        if given in self._known:  # two users' frames may take turns
            return tail
        self._known.add(given)
        logger.info(f"auricle: frames of {given[0]} Hz and {given[1]} channels go out as {self._sample_rate} Hz, mono")
        return tail


def _to_pcm(samples: _Samples) -> bytes:
    return bytes(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())
