"""Silero VAD: the probability that somebody speaks, for every 32 ms of audio.

A recurrent network that sees 512 samples at 16 kHz at a time, with the last 64 of the window before. Windows of
several streams go through it in one call: eight together take two fifths of what they take one by one, and a thread
that wakes up for one window alone pays as much again for cold caches. A probability must not depend on the other
streams, and a matrix product of another size may round otherwise. `Silero.load` therefore compares rows of every batch
with the same rows alone, bit by bit, on the processor that it runs on; where they differ, windows go one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.voice import onnx
from auricle_server.voice.onnx import Floats, Network, to_float
from auricle_server.voice.silero_graph import UnknownNetwork, rewritten

log = logging.getLogger(__name__)

WINDOW = 512
_CONTEXT = 64
_STATE = (2, 1, 128)
_SAMPLE_BYTES = 2
_RATE = np.array(SAMPLE_RATE, np.int64)
ROWS = 8
"""Windows of one call at most. Twice as many would take a fifth less for each, but the first of them would wait."""
SLICE = 62
"""Windows, 2 s of audio, that go through in one task: 4 ms of a core. Other streams run in between."""
_ROUNDING = 1e-4
"""Difference between two orders of addition. Of the probabilities it is some 4e-6 over minutes of speech, and the
file's own graph is 2e-6 from exact sums."""
_TRIES = 2
"""Times that `rows_agree` tries all batches, 2 ms each."""

_RESET_EVERY = 2 * SAMPLE_RATE
"""Long stretches without speech drive the recurrent state to where the model is slow to notice that speech begins, so
it starts afresh this often; the shorter, the likelier a word begins just after a start, when the model is unsure."""
_RESET_BELOW = 0.1
_RESET_AFTER = 5
"""Windows in a row, 160 ms, that must be this clearly no speech: one alone may be the closure of a consonant."""


class Silero(Network):
    """The network, which is recurrent over windows of 512 samples.

    Args:
        path: The file.
        anew: Whether the graph is written anew from the file's weights (`silero_graph`), where that is possible.

    Attributes:
        rows: Most windows, each of another stream, that go through in one call; 1 where batches round otherwise.
    """

    rows = 1

    def __init__(self, path: Path, *, anew: bool = True) -> None:
        super().__init__(path)
        self._anew = anew

    def load(self) -> None:
        """Loads the file, unless it is loaded, and tries batches: some tenths of a second.

        Raises:
            Exception: As `Network.load`.
        """
        super().load()
        if self.rows == 1 and rows_agree(self.step):
            self.rows = ROWS

    def step(self, windows: Floats, states: Floats) -> tuple[Floats, Floats]:
        """One window of each of n streams.

        Args:
            windows: float32 [n, 576], the context before each included.
            states: float32 [2, n, 128].

        Returns:
            The probabilities of speech, float32 [n], and the states for the next windows.
        """
        rate = {} if self._anew else {"sr": _RATE}
        output, states = self.run(input=windows, state=states, **rate)
        return output[:, 0], states

    def _open(self) -> Any:
        own = super()._open()
        try:
            if self._anew and _same_network(own, anew := onnx.open_network(rewritten(self._path.read_bytes()))):
                return anew
        except UnknownNetwork as error:
            log.warning("Silero takes twice the time: %s of another version than known here: %s", self._path, error)
        self._anew = False
        return own


def _same_network(own: Any, anew: Any) -> bool:
    """Whether the graph written anew says what the file's own says, as closely as floats can."""
    rng = np.random.default_rng(1)
    state: Floats = np.zeros(_STATE, np.float32)
    for scale in (0.01, 0.1, 0.3):
        window = rng.normal(0, scale, (1, _CONTEXT + WINDOW)).astype(np.float32)
        expected, after = own.run(None, {"input": window, "state": state, "sr": _RATE})
        output, found = anew.run(None, {"input": window, "state": state})
        if not (np.allclose(output, expected, atol=_ROUNDING) and np.allclose(found, after, atol=_ROUNDING)):
            return False
        state = after
    return True


def rows_agree(step: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> bool:
    """Whether each row of a batch of up to `ROWS` is, to the last bit, what it is alone.

    Which kernels a product runs in, and so how it rounds, depends on the processor and on the shapes, not on the
    values.

    Args:
        step: As `Silero.step`.
    """
    rng = np.random.default_rng(0)
    states = np.zeros((2, ROWS, 128), np.float32)
    for _ in range(_TRIES):
        windows = rng.normal(0, 0.1, (ROWS, _CONTEXT + WINDOW)).astype(np.float32)
        alone = [step(windows[row : row + 1], states[:, row : row + 1]) for row in range(ROWS)]
        expected = np.concatenate([one for one, _ in alone])
        following = np.concatenate([state for _, state in alone], axis=1)
        for rows in range(2, ROWS + 1):
            probabilities, after = step(windows[:rows], states[:, :rows])
            if not (np.array_equal(probabilities, expected[:rows]) and np.array_equal(after, following[:, :rows])):
                return False
        states = following
    return True


class VoiceTrack:
    """One stream's recurrent state in the network. About 3 kB.

    Args:
        silero: The network.
    """

    def __init__(self, silero: Silero) -> None:
        self.silero = silero
        self._rest = b""
        self._quiet = self._since_reset = 0
        self._state: Floats = np.zeros(_STATE, np.float32)
        self._context: Floats = np.zeros(_CONTEXT, np.float32)

    def advance(self, pcm: bytes) -> list[float]:
        """The probability of speech in every window that this audio completes; audio may be cut anywhere."""
        return advance_together([(self, pcm)])[0]

    def begin(self, pcm: bytes) -> VoiceRun:
        """The windows that this audio completes, on their way through the network; nothing has changed yet."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % (WINDOW * _SAMPLE_BYTES)
        audio = np.concatenate([self._context, to_float(memoryview(pcm)[:whole])])
        return VoiceRun(audio, pcm[whole:], self._state, self._quiet, self._since_reset)

    def settle(self, run: VoiceRun) -> None:
        """All windows of the run that `begin` returned are through."""
        self._rest, self._state = run.rest, run.state
        self._quiet, self._since_reset = run.quiet, run.since_reset
        if run.windows:
            # Zeros after a reset, as for the windows that follow it in the same run.
            self._context = run.audio[-_CONTEXT:].copy() if run.since_reset else np.zeros(_CONTEXT, np.float32)


@dataclass(slots=True)
class VoiceRun:
    """Windows of one stream on their way through the network.

    Attributes:
        audio: float32 [64 + 512 windows], the context before the first included.
        rest: The bytes after the last window.
        state: float32 [2, 1, 128], before the first window; after the last once all are through.
        quiet: Windows in a row that are clearly no speech.
        since_reset: Samples since the network forgot what was before; 0 when it did so with the last window.
        probabilities: Of speech, in the windows so far.
    """

    audio: Floats
    rest: bytes
    state: Floats
    quiet: int
    since_reset: int
    probabilities: list[float] = field(default_factory=list)

    @property
    def windows(self) -> int:
        """How many there are."""
        return len(self.audio) // WINDOW

    @property
    def inputs(self) -> Floats:
        """float32 [windows, 576]."""
        return np.lib.stride_tricks.sliding_window_view(self.audio, _CONTEXT + WINDOW)[::WINDOW]

    def add(self, probability: float) -> bool:
        """Takes that of the next window; returns whether the network is to forget what was before."""
        self.probabilities.append(probability)
        self.quiet = self.quiet + 1 if probability < _RESET_BELOW else 0
        self.since_reset += WINDOW
        reset = self.since_reset >= _RESET_EVERY and self.quiet >= _RESET_AFTER
        if reset:
            self.since_reset = 0
        return reset


def advance_together(pieces: Sequence[tuple[VoiceTrack, bytes]]) -> list[list[float]]:
    """What `VoiceTrack.advance` of each piece returns, in as few calls of the network as its `rows` allow.

    Args:
        pieces: Tracks of one network, each once, and their next audio; at least one.

    Raises:
        Exception: The network has failed; all tracks are as they were.
    """
    runs = [track.begin(pcm) for track, pcm in pieces]
    # The longest first: the rows that still have windows are then the first ones.
    order = sorted((run for run in runs if run.windows), key=lambda run: -run.windows)
    silero = pieces[0][0].silero
    silero.load()
    for first in range(0, len(order), silero.rows):
        _step_through(silero, order[first : first + silero.rows])
    for (track, _), run in zip(pieces, runs, strict=True):
        track.settle(run)
    return [run.probabilities for run in runs]


def _step_through(silero: Silero, runs: list[VoiceRun]) -> None:
    """Window by window, of all runs together; the longest is first."""
    inputs = np.zeros((runs[0].windows, len(runs), _CONTEXT + WINDOW), np.float32)
    for row, run in enumerate(runs):
        inputs[: run.windows, row] = run.inputs
    states, rows = np.concatenate([run.state for run in runs], axis=1), len(runs)
    for step, windows in enumerate(inputs):
        while runs[rows - 1].windows <= step:
            rows -= 1
        probabilities, states = silero.step(windows[:rows], np.ascontiguousarray(states[:, :rows]))
        for row, probability in enumerate(probabilities.tolist()):
            if runs[row].add(probability):
                states[:, row] = 0
                inputs[step + 1 : step + 2, row, :_CONTEXT] = 0
            if runs[row].windows == step + 1:
                runs[row].state = states[:, row : row + 1].copy()


class PendingAudio:
    """Audio of one stream that Silero has not got yet. Its task takes it when it begins.

    Args:
        track: The stream's state in the network.
        clock: Monotonic seconds.

    Attributes:
        track: As given.
        pcm: The audio.
        since: When a task was asked for, by the clock; None while none is.
    """

    def __init__(self, track: VoiceTrack, clock: Callable[[], float]) -> None:
        self.track = track
        self.pcm = bytearray()
        self.since: float | None = None
        self._clock = clock

    @property
    def windows(self) -> int:
        """Whole windows that wait."""
        return len(self.pcm) // (WINDOW * _SAMPLE_BYTES)

    def ask(self) -> None:
        """Notes that a task has been asked for."""
        self.since = self._clock()

    def take(self, most: int = SLICE) -> bytes:
        """The next whole windows, at most so many; they wait no longer."""
        if self.since is None:
            self.ask()
        size = min(most, self.windows) * WINDOW * _SAMPLE_BYTES
        piece = bytes(self.pcm[:size])
        del self.pcm[:size]
        return piece

    def __call__(self) -> list[float]:
        """Takes the next windows, and returns the probability of speech in each."""
        return self.track.advance(self.take())
