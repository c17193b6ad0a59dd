"""Silero VAD: the probability that somebody speaks, for every 32 ms of audio.

A recurrent network that sees 512 samples at 16 kHz at a time, with the last 64 of the window before. Windows are not
batched over streams: four together cost 0.6 of what they cost one by one, but matrix products of another size round
otherwise, and a probability near a threshold would then depend on the other streams.
"""

from __future__ import annotations

import numpy as np

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.voice.onnx import Floats, Network, to_float

WINDOW = 512
_CONTEXT = 64
_STATE = (2, 1, 128)
_SAMPLE_BYTES = 2
_RATE = np.array(SAMPLE_RATE, np.int64)

_RESET_EVERY = 2 * SAMPLE_RATE
"""Long stretches without speech drive the recurrent state to where the model is slow to notice that speech begins, so
it starts afresh this often; the shorter, the likelier a word begins just after a start, when the model is unsure."""
_RESET_BELOW = 0.1
_RESET_AFTER = 5
"""Windows in a row, 160 ms, that must be this clearly no speech: one alone may be the closure of a consonant."""


class Silero(Network):
    """The network, which is recurrent over windows of 512 samples."""

    def step(self, window: Floats, state: Floats) -> tuple[float, Floats]:
        """One window.

        Args:
            window: float32 [1, 576], the context before it included.
            state: float32 [2, 1, 128].

        Returns:
            The probability of speech, and the state for the next window.
        """
        output, state = self.run(input=window, state=state, sr=_RATE)
        return float(output[0, 0]), state


class VoiceTrack:
    """One stream's recurrent state in the network. About 3 kB.

    Args:
        silero: The network.
    """

    def __init__(self, silero: Silero) -> None:
        self._silero = silero
        self._rest = b""
        self._quiet = self._since_reset = 0
        self._state: Floats = np.zeros(_STATE, np.float32)
        self._input: Floats = np.zeros((1, _CONTEXT + WINDOW), np.float32)

    def advance(self, pcm: bytes) -> list[float]:
        """The probability of speech in every window that this audio completes; audio may be cut anywhere."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % (WINDOW * _SAMPLE_BYTES)
        self._rest = pcm[whole:]
        windows = to_float(memoryview(pcm)[:whole]).reshape(-1, WINDOW)
        return [self._step(window) for window in windows]

    def _step(self, window: Floats) -> float:
        # One buffer serves all windows, as a stream never has two tasks at once (`InferenceExecutor.run_vad`).
        self._input[0, _CONTEXT:] = window
        probability, self._state = self._silero.step(self._input, self._state)
        self._input[0, :_CONTEXT] = window[-_CONTEXT:]
        self._quiet = self._quiet + 1 if probability < _RESET_BELOW else 0
        self._since_reset += WINDOW
        if self._since_reset >= _RESET_EVERY and self._quiet >= _RESET_AFTER:
            self._reset()
        return probability

    def _reset(self) -> None:
        self._state = np.zeros_like(self._state)
        self._input[:] = 0
        self._since_reset = 0
