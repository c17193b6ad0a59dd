"""The server's engine on a virtual clock: its queues, its batcher and its slots, with steps that only take time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.bench.clips import PACKET_SAMPLES, Pcm, Speakers
from auricle_server.bench.engine.clocks import VirtualClock
from auricle_server.bench.sizing.step_times import StepTimes
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import CPU_PAUSE, BuiltRunner, Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.model.forward import COLUMNS
from auricle_server.engine.runners.runner import StepInputs, StepOutputs
from auricle_server.engine.weight_formats import WeightFormat

_FRAME_SAMPLES, _FRAME_MS = 1280, 80
_NO_TOKENS = np.zeros(0, np.int32)
_NO_SHARES = np.zeros(0, np.float32)


class SimulatedClock(VirtualClock):
    """A virtual clock that advances by the times of simulated steps, and not by what the simulation itself takes."""

    def __init__(self) -> None:
        super().__init__("wall")

    @contextmanager
    def charged(self) -> Iterator[list[float]]:
        """The time that has passed on this clock in the block."""
        cost: list[float] = []
        began = self.now
        yield cost
        cost.append(self.now - began)

    def wait_until(self, to: float) -> None:
        """Advances to `to`, busy."""
        self.now = max(self.now, to)


class Silence(Speakers):
    """Silent streams: what is said makes no difference to a step that only takes time."""

    def __init__(self) -> None:
        self._silence = np.zeros(0, np.int16)

    def packet(self, rows: npt.NDArray[np.int64], number: int | npt.NDArray[np.int64]) -> Pcm:  # noqa: ARG002 - silence
        """See `Speakers`."""
        samples = len(rows) * PACKET_SAMPLES
        if samples > len(self._silence):
            self._silence = np.zeros(samples, np.int16)
        return self._silence[:samples]


@dataclass(frozen=True, slots=True)
class _TimedBatch:
    """See `PendingBatch`."""

    clock: SimulatedClock
    rows: int
    seconds: float
    ends: float

    def collect(self) -> StepOutputs:
        """See `PendingBatch`."""
        self.clock.wait_until(self.ends)
        counts = np.zeros(self.rows, np.int32)
        return StepOutputs(counts, _NO_TOKENS, _NO_TOKENS, _NO_SHARES, _NO_SHARES, self.seconds)


class TimedRunner:
    """See `Runner`: computes nothing, and takes the time that a step of so many rows takes.

    Args:
        times: Of the steps.
        clock: On which they take it.
    """

    def __init__(self, times: StepTimes, clock: SimulatedClock) -> None:
        # As `StaticRunner` on CUDA and `EagerRunner` have it: a GPU works while the host assembles the next batch.
        self.depth = 1 if times.on_gpu else 0
        self._times, self._clock = times, clock
        self._free = 0.0

    def inputs(self, frames: int, rows: int) -> StepInputs:
        """See `Runner`."""
        return StepInputs(np.empty((rows, frames * _FRAME_SAMPLES), np.int16), np.empty((COLUMNS, rows), np.int64))

    def launch(self, inputs: StepInputs) -> _TimedBatch:
        """See `Runner`."""
        rows = len(inputs.pcm)
        seconds = self._times.of(rows)
        self._free = max(self._free, self._clock.now) + seconds
        return _TimedBatch(self._clock, rows, seconds, self._free)

    def reset(self, slots: list[int]) -> None:
        """See `Runner`: there is no state."""

    def start_from(self, slot: int) -> None:
        """See `Runner`: there is no state."""

    def load_terms(self, span: TableSpan, automaton: Automaton) -> None:
        """See `Runner`: there are no tables."""

    def warm_up(self, seconds: float) -> bool:  # noqa: ARG002 - nothing to warm
        """See `Runner`."""
        return True


def timed_engine(times: StepTimes, slots: int, clock: SimulatedClock, *, large: bool = True) -> Engine:
    """An engine whose steps take these times.

    Args:
        times: Of its steps; it offers their chunk size only.
        slots: Streams that it holds.
        clock: Of the simulation.
        large: Whether it stands for a model for which a CPU waits for more rows (`build.CPU_PAUSE`).
    """
    frames = times.latency_ms // _FRAME_MS
    pause = CPU_PAUSE if large and not times.on_gpu else 0.0
    runner = TimedRunner(times, clock)
    built = BuiltRunner(runner, slots, [frames], [], (0, 0), WeightFormat.FLOAT32, pause)
    hardware = Hardware("cpu", max_frames=times.most_rows * frames, keyterms=False)
    return Engine(load_checkpoint("demo"), hardware=hardware, clock=clock, built=built)
