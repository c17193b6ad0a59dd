"""A batch between its launch and the columns of `StepResults`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from auricle_server.engine.runners.runner import PendingBatch, Runner, StepInputs, StepOutputs
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
        """Appends an answer for a lease."""
        self.leases.append(lease)
        self.answers.append(answer)

    def results(self) -> StepResults:
        """The answers as columns."""
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
        runner: Computes it.
        inputs: Its audio and columns.
        rows: The rows that are computed.
        leases: The lease of each row, [B].
        answers: Flushes, and their leases, that need no computing but must not overtake the batch.
    """

    runner: Runner
    inputs: StepInputs
    rows: BatchRows
    leases: Leases
    answers: FlushAnswers = field(default_factory=FlushAnswers)
    _pending: PendingBatch | None = None
    _outputs: StepOutputs | None = None

    def launch(self) -> None:
        """Sends the batch to the device."""
        self._pending = self.runner.launch(self.inputs)

    def collect(self) -> StepResults:
        """Waits for the batch. Returns its rows, then the answers that follow them."""
        assert self._pending is not None, "launched first"
        self._outputs = outputs = self._pending.collect()
        results = _results(self.rows, self.leases, outputs)
        if self.rows.chunks > 1:
            chunk_samples = self.inputs.pcm.shape[1] // self.rows.chunks
            results = _by_chunk(results, self.rows, outputs, chunk_samples)
        return concatenated(results, self.answers.results())

    @property
    def last_tokens(self) -> npt.NDArray[np.int64]:
        """Frame of the stream at which each row's last token was emitted, [B]; -1 for a row without one."""
        assert self._outputs is not None, "collected first"
        counts, frames = self._outputs.counts, self._outputs.frames
        last = np.full(len(counts), -1)
        emitted = counts > 0
        last[emitted] = frames[np.cumsum(counts)[emitted] - 1] + self.rows.position[emitted]
        return last


def _results(rows: BatchRows, leases: Leases, outputs: StepOutputs) -> StepResults:
    # A token that is emitted in the silence after a flush belongs to the last frame that audio reaches.
    frames = np.minimum(
        outputs.frames + np.repeat(rows.position, outputs.counts), np.repeat(rows.last_audio_frame, outputs.counts)
    )
    return StepResults(
        slots=rows.slots.astype(np.int32),
        leases=leases,
        samples=rows.samples,
        marks=rows.marks,
        ended=rows.ended,
        counts=outputs.counts,
        tokens=outputs.tokens,
        frames=frames.astype(np.int32),
        probabilities=outputs.probabilities,
        confidences=outputs.confidences,
        seconds=outputs.seconds,
        chunk_frames=rows.frames,
        computed=len(rows),
        waited=outputs.waited,
    )


def _by_chunk(results: StepResults, rows: BatchRows, outputs: StepOutputs, chunk_samples: int) -> StepResults:
    """The results of rows of several chunks as if each chunk had been a row, as callers expect."""
    chunks, size = rows.chunks, rows.frames // rows.chunks
    row = np.repeat(np.arange(len(rows)), outputs.counts)
    counts = np.bincount(row * chunks + outputs.frames // size, minlength=len(rows) * chunks).astype(np.int32)
    remaining = np.tile(np.arange(chunks - 1, -1, -1), len(rows)) * chunk_samples
    return replace(
        results,
        slots=np.repeat(results.slots, chunks),
        leases=np.repeat(results.leases, chunks),
        samples=np.repeat(results.samples, chunks) - remaining,
        marks=np.repeat(results.marks, chunks),
        ended=np.repeat(results.ended, chunks),
        counts=counts,
    )


def concatenated(first: StepResults, second: StepResults) -> StepResults:
    """Both results in order; at most one of them was computed."""
    if not len(second):
        return first
    if not len(first):
        return second
    columns: dict[str, Any] = {
        name: np.concatenate((getattr(first, name), getattr(second, name))) for name in StepResults.COLUMNS
    }
    return replace(first if first.computed else second, **columns)


def without_ended(results: StepResults, lease_of: Leases) -> StepResults:
    """The results without the rows of leases that have ended since.

    Args:
        results: Of a step.
        lease_of: The current lease of each slot, [slots + 1].
    """
    # By lease and not by slot: the slot may have a new stream since the launch.
    alive = lease_of[results.slots] == results.leases
    if alive.all():
        return results
    tokens = np.repeat(alive, results.counts)
    columns: dict[str, Any] = {
        name: getattr(results, name)[tokens if name in StepResults.OF_TOKENS else alive] for name in StepResults.COLUMNS
    }
    return replace(results, **columns)
