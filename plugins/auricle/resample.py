"""Streaming resampling of mono audio on an exact clock. Needs numpy, which neither the client nor its import needs.

A polyphase windowed-sinc filter (Crochiere and Rabiner, Multirate Digital Signal Processing, 1983, chapter 2): output n
lies at the input position n * rate / to and is a weighted sum of the input samples around it. The clock therefore
cannot drift, however often the stream is flushed, and only half a filter is held back: 3 ms of 8 kHz audio, where
soxr's streaming resampler holds back 114 ms.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_ZERO_CROSSINGS = 24
_MAX_PHASES = 1024
"""Odd rates have up to `to` phases. They are rounded to this many, with an error 60 dB below the signal, so that a
filter bank stays small and quick to make."""
_PASSBAND = 0.93
"""Cut-off as a share of the lower Nyquist frequency."""
_BLOCK = 4096
"""Outputs computed at a time, which bounds the memory for a long message."""


@lru_cache(maxsize=16)
def _filter_bank(rate: int, to: int) -> Floats:
    """One row of taps for each phase that an output can have between two input samples: [phases, 2 * half].

    The window is Blackman's, which leaves 74 dB of attenuation in the stop band (Oppenheim and Schafer, Discrete-Time
    Signal Processing).
    """
    phases = min(_MAX_PHASES, to // math.gcd(rate, to))
    cutoff = _PASSBAND * min(1.0, to / rate)
    # A lower cut-off needs a longer filter in proportion, for the same steepness.
    half = math.ceil(_ZERO_CROSSINGS / min(1.0, to / rate))
    taps = np.arange(1 - half, half + 1)[None, :] - np.arange(phases)[:, None] / phases
    angle = np.pi * taps / half
    window = 0.42 + 0.5 * np.cos(angle) + 0.08 * np.cos(2 * angle)
    bank = cutoff * np.sinc(cutoff * taps) * window
    # Each phase sums to 1. Otherwise a constant would come out with a ripple at the rate of the phases.
    return np.asarray(bank / bank.sum(axis=1, keepdims=True), np.float32)


class Resampler:
    """Mono audio of one stream, as float32 of any scale: an output has the scale of the inputs.

    Args:
        rate: Samples per second of the input.
        to: Samples per second of the output.
    """

    def __init__(self, rate: int, to: int) -> None:
        divisor = math.gcd(rate, to)
        self._to = to
        self._up, self._down = to // divisor, rate // divisor
        self._bank = _filter_bank(rate, to)
        self._half: int = self._bank.shape[1] // 2
        self._held: Floats = np.zeros(self._half - 1, np.float32)
        self._first: int = 1 - self._half
        """Input position of `_held[0]`; silence is assumed before the first sample."""
        self._next = 0
        """Number of the next output."""

    def push(self, samples: Floats) -> Floats:
        """The outputs that these samples complete."""
        self._held = np.concatenate((self._held, samples))
        return self._produce(self._end - self._half)

    def flush(self) -> Floats:
        """The outputs up to the last sample, as if silence followed. Later samples continue from there."""
        ahead = np.zeros(self._half, np.float32)
        self._held = np.concatenate((self._held, ahead))
        made = self._produce(self._end - self._half)
        self._held = self._held[: -self._half]
        return made

    @property
    def delay_seconds(self) -> float:
        """Seconds of input after an output's position that the output waits for."""
        return (self._half + 1) * self._up / (self._down * self._to)

    @property
    def _end(self) -> int:
        """Number of input samples so far."""
        return self._first + len(self._held)

    def _produce(self, limit: int) -> Floats:
        """All outputs at input positions below `limit`; forgets the input that no later output needs."""
        # In whole numbers, rounded up: a clock of floats would drift in a stream of hours.
        count = -(-limit * self._up // self._down) - self._next
        if count <= 0:
            return np.zeros(0, np.float32)
        blocks = [self._block(min(_BLOCK, count - done)) for done in range(0, count, _BLOCK)]
        spent = self._next * self._down // self._up - self._half + 1 - self._first
        spent = min(max(spent, 0), len(self._held) - self._half)
        # A copy, since a view would keep the whole array alive.
        self._held, self._first = self._held[spent:].copy(), self._first + spent
        return np.concatenate(blocks)

    def _block(self, count: int) -> Floats:
        positions = np.arange(self._next, self._next + count, dtype=np.int64) * self._down
        self._next += count
        starts = positions // self._up - self._half + 1 - self._first
        windows = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self._half)[starts]
        phases = (positions % self._up) * len(self._bank) // self._up
        made: Floats = np.einsum("nt,nt->n", windows, self._bank[phases])
        return made
