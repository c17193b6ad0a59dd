"""A batch on its way: from assembled input to the columns of `StepResults`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from auricle_server.engine.runners.eager import Inputs, Runner, StepOutputs, Ticket
from auricle_server.engine.scheduling.batch_rows import BatchRows, FlushAnswer
from auricle_server.engine.types import StepResults

Leases = npt.NDArray[np.int64]


@dataclass(slots=True)
class FlushAnswers:
    """Flushes that were answered without computing, in order."""

    leases: list[int] = field(default_factory=list)
    answers: list[FlushAnswer] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.answers)

    def add(self, lease: int, answer: FlushAnswer) -> None:
        """Appends one."""
        self.leases.append(lease)
        self.answers.append(answer)

    def results(self) -> StepResults:
        """The same as columns."""
        answers = self.answers
        return StepResults(
            slots=np.array([answer.slot for answer in answers], np.int32),
            leases=np.array(self.leases, np.int64),
            samples=np.array([answer.samples for answer in answers], np.int64),
            marks=np.array([answer.flush.mark for answer in answers], np.int64),
            ended=np.array([answer.flush.last for answer in answers], np.bool_),
            counts=np.zeros(len(answers), np.int32),
        )


@dataclass(slots=True)
class InFlightStep:
    """One batch.

    Attributes:
        runner: Who computes it.
        inputs: What goes in.
        rows: What is computed.
        leases: For whom, [B].
        answers: Flushes, and their leases, that need no computing but must not overtake the batch.
    """

    runner: Runner
    inputs: Inputs
    rows: BatchRows
    leases: Leases
    answers: FlushAnswers = field(default_factory=FlushAnswers)
    _ticket: Ticket | None = None

    def launch(self) -> None:
        """Puts the batch on the device."""
        self._ticket = self.runner.launch(self.inputs)

    def land(self) -> StepResults:
        """Waits for the batch; its rows, then the answers behind them."""
        assert self._ticket is not None, "launched first"
        found = self._ticket.collect()
        results = _results(self.rows, self.leases, found)
        if self.rows.chunks > 1:
            chunk_samples = self.inputs.pcm.shape[1] // self.rows.chunks
            results = _by_chunk(results, self.rows, found, chunk_samples)
        return joined(results, self.answers.results())


def _results(rows: BatchRows, leases: Leases, found: StepOutputs) -> StepResults:
    # What comes out in the silence behind a flush belongs to the last frame that there is audio for.
    frames = np.minimum(found.frames + np.repeat(rows.position, found.counts), np.repeat(rows.heard, found.counts))
    return StepResults(
        slots=rows.slots.astype(np.int32),
        leases=leases,
        samples=rows.samples,
        marks=rows.marks,
        ended=rows.ended,
        counts=found.counts,
        tokens=found.tokens,
        frames=frames.astype(np.int32),
        probabilities=found.probabilities,
        confidences=found.confidences,
        seconds=found.seconds,
        chunk_frames=rows.frames,
        computed=len(rows),
    )


def _by_chunk(results: StepResults, rows: BatchRows, found: StepOutputs, chunk_samples: int) -> StepResults:
    """The results of rows of several chunks as if each chunk had been a row: what follows tells no difference."""
    chunks, size = rows.chunks, rows.frames // rows.chunks
    row = np.repeat(np.arange(len(rows)), found.counts)
    counts = np.bincount(row * chunks + found.frames // size, minlength=len(rows) * chunks).astype(np.int32)
    behind = np.tile(np.arange(chunks - 1, -1, -1), len(rows)) * chunk_samples
    return replace(
        results,
        slots=np.repeat(results.slots, chunks),
        leases=np.repeat(results.leases, chunks),
        samples=np.repeat(results.samples, chunks) - behind,
        marks=np.repeat(results.marks, chunks),
        ended=np.repeat(results.ended, chunks),
        counts=counts,
    )


def joined(first: StepResults, second: StepResults) -> StepResults:
    """Both, one behind the other; at most one of them was computed."""
    if not len(second):
        return first
    if not len(first):
        return second
    columns: dict[str, Any] = {
        name: np.concatenate((getattr(first, name), getattr(second, name))) for name in StepResults.COLUMNS
    }
    return replace(first if first.computed else second, **columns)


def living(results: StepResults, lease_of: Leases) -> StepResults:
    """Without the rows of leases that have ended since.

    Args:
        results: Of a step.
        lease_of: The lease that each slot has now, [slots + 1].
    """
    alive = lease_of[results.slots] == results.leases
    if alive.all():
        return results
    tokens = np.repeat(alive, results.counts)
    columns: dict[str, Any] = {
        name: getattr(results, name)[tokens if name in StepResults.OF_TOKENS else alive] for name in StepResults.COLUMNS
    }
    return replace(results, **columns)
