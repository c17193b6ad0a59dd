"""The steps between their assembly and their results: one at a time, in order, with what must not overtake them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from auricle_server.engine.frames import UNBOUNDED, FrameGeometry
from auricle_server.engine.runners.in_flight import FlushAnswers, InFlightStep, Leases, concatenated
from auricle_server.engine.runners.runner import Runner
from auricle_server.engine.scheduling.batch_rows import FlushAnswer
from auricle_server.engine.scheduling.restarts import RestartFrames
from auricle_server.engine.types import StepResults


class StepPipeline:
    """Launches steps and collects them; at most one is in flight.

    Args:
        runner: Computes batches; its slots are as they were made.
        geometry: Of the model.
    """

    def __init__(self, runner: Runner, geometry: FrameGeometry) -> None:
        self._runner, self._geometry = runner, geometry
        self._slots_to_reset: list[int] = []
        self._in_flight: deque[InFlightStep] = deque()
        self._answers = FlushAnswers()
        """Flushes that wait for nothing but the next step."""

    def __len__(self) -> int:
        return len(self._answers.answers) + len(self._in_flight)

    @property
    def depth(self) -> int:
        """Steps that the device may work on while the host does something else."""
        return self._runner.depth

    def holds(self, slot: int) -> bool:
        """Whether a row of the slot is in flight."""
        return any(slot in step.rows.slots for step in self._in_flight)

    def reset(self, slot: int) -> None:
        """Puts a slot into the state of a new stream before the next step."""
        self._slots_to_reset.append(slot)

    def launch(self, step: InFlightStep) -> None:
        """Sends a step to the device."""
        if self._slots_to_reset:  # after the batch before, which may still have written to these slots
            self._runner.reset(self._slots_to_reset)
            self._slots_to_reset = []
        step.launch()
        self._in_flight.append(step)

    def answer(self, answers: Iterable[FlushAnswer], lease_of: Leases) -> None:
        """Answers flushes that need no computing, after the words before them, which may be in flight.

        Args:
            answers: The flushes.
            lease_of: The current lease of each slot, [slots + 1].
        """
        waiting = self._in_flight[-1].answers if self._in_flight else self._answers
        for answer in answers:
            waiting.add(int(lease_of[answer.slot]), answer)

    def collect(self) -> tuple[StepResults, InFlightStep | None]:
        """The answers that wait for no batch, then the results of the step in flight; and that step, if any."""
        results, self._answers = self._answers.results(), FlushAnswers()
        if not self._in_flight:
            return results, None
        step = self._in_flight.popleft()
        return concatenated(results, step.collect()), step

    def warm_up_slots(self, wanted: RestartFrames, sizes: Sequence[int]) -> RestartFrames:
        """Gives all slots the state after silence, so that a stream starts as if it had heard some.

        Args:
            wanted: How much silence; without any, slots start from zeros.
            sizes: Chunk sizes that there are, in encoder frames, ascending.

        Returns:
            The same with as many frames of silence as chunks can make up.
        """
        position, slot = 0, 1
        while fitting := [size for size in sizes if size <= wanted.warm_up - position]:
            inputs = self._runner.inputs(fitting[-1], 1)
            inputs.pcm.fill(0)
            start = self._geometry.input_start(position)
            # The fields of `Batch` from `slots` on; no prompt, as only the encoder's state is used.
            column = slot, slot, position, start, UNBOUNDED, UNBOUNDED, fitting[-1], 0, 0
            inputs.columns[:] = np.array(column)[:, None]
            self._runner.launch(inputs).collect()
            position += fitting[-1]
        if position:
            self._runner.start_from(slot)
        return replace(wanted, warm_up=position)
