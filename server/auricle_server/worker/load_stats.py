"""Measures what a worker spends its time on. Pure: times are passed in."""

from __future__ import annotations

from auricle_server.ipc.messages import StepSample, WorkerStats
from auricle_server.model_info import ModelInfo
from auricle_server.worker.admission import Admission, StepTiming


class LoadStats:
    """Sums a worker's busy time, between `resume` and `pause`, and collects its steps.

    A step is charged with all the time that the worker has spent since the step before. While device and host work at
    the same time their shares cannot be told apart, and what must fit is the time of both together.

    Args:
        info: The model.
        now: Monotonic seconds.
    """

    def __init__(self, info: ModelInfo, now: float) -> None:
        self._latency_of = {round(each / 1000 / info.frame_seconds): each for each in info.latencies_ms}
        self._info = info
        self._reported = self._since = now
        self._busy = self._spent = 0.0
        self._steps: list[StepSample] = []
        self._restarts = 0

    def resume(self, now: float) -> None:
        """Starts busy time."""
        self._since = now

    def pause(self, now: float) -> None:
        """Ends busy time: the worker is about to wait for messages."""
        self._busy += now - self._since
        self._spent += now - self._since
        self._since = now

    def add_step(self, chunk_frames: int, rows: int, seconds: float, now: float) -> StepTiming | None:
        """Adds a step that has returned results.

        Args:
            chunk_frames: Encoder frames of its chunks.
            rows: Chunks computed.
            seconds: From its launch to its results.
            now: Monotonic seconds.
        """
        self.pause(now)
        spent, self._spent = self._spent, 0.0
        latency_ms = self._latency_of.get(chunk_frames)
        if latency_ms is None:  # rows of several chunks, which run only while no live row is ready
            return None
        self._steps.append(StepSample(latency_ms, rows, seconds))
        return StepTiming(latency_ms, rows, spent)

    def report(self, admission: Admission, slots_used: int, now: float, restarts: int = 0) -> WorkerStats:
        """The statistics since the last report.

        Args:
            admission: Predicts the load.
            slots_used: Slots that a new stream cannot get.
            now: Monotonic seconds.
            restarts: How often a stream's state has started anew since the worker started.
        """
        elapsed = max(now - self._reported, 1e-9)
        busy, steps = self._busy, tuple(self._steps)
        self._reported, self._busy, self._steps = now, 0.0, []
        new_restarts, self._restarts = restarts - self._restarts, restarts
        info = self._info
        return WorkerStats(
            slots_used=slots_used,
            load=admission.load,
            busy=min(1.0, busy / elapsed),
            capacity=admission.capacity(info.default_latency_ms, info.slots),
            full=slots_used >= info.slots or not admission.fits(info.default_latency_ms),
            steps=steps,
            restarts=new_restarts,
        )
