"""How many streams one worker takes: by its own admission, by its memory, and as far as a bench held them."""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.bench.sizing.step_times import StepTimes
from auricle_server.worker.admission import Admission

MAX_LOAD = 0.8
"""The server's own `--max-load`."""


@dataclass(frozen=True, slots=True)
class WorkerCapacity:
    """Streams of one latency that a worker takes.

    Attributes:
        by_time: What `Admission` of the server says of these step times.
        by_memory: Slots that fit beside the weights.
        sustained: Most streams that a bench held; None where it was not measured.
        max_load: The server's `--max-load`.
    """

    by_time: int
    by_memory: int
    sustained: int | None
    max_load: float

    @property
    def streams(self) -> int:
        """The least of them. Of the streams that a bench held, the share that the server plans with."""
        # A bench that held one stream held it: there is no share of it.
        held = [] if self.sustained is None else [max(min(1, self.sustained), int(self.sustained * self.max_load))]
        return min([self.by_time, self.by_memory, *held])


def worker_capacity(times: StepTimes, slots: int, max_load: float = MAX_LOAD) -> WorkerCapacity:
    """The capacity of a worker with these step times.

    Args:
        times: Of its engine.
        slots: Streams for which it has memory.
        max_load: Load up to which it takes streams.
    """
    admission = Admission((times.latency_ms,), max_load, times.calibration)
    by_time = admission.capacity(times.latency_ms, max(1, slots)) if slots else 0
    # One stream is always taken, but a worker that needs more time for its chunks than they last does not keep up.
    if by_time == 1 and times.of(1) > max_load * times.latency_ms / 1000:
        by_time = 0
    # The search ends at the slots: without them as a bound, time alone is what is asked for.
    if by_time == slots:
        by_time = admission.capacity(times.latency_ms, 1 << 20)
    return WorkerCapacity(by_time, slots, times.sustained, max_load)
