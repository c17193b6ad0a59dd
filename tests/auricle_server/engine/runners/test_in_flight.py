from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from auricle_server.engine.runners.in_flight import FlushAnswers, InFlightStep, concatenated, without_ended
from auricle_server.engine.runners.runner import StepInputs, StepOutputs
from auricle_server.engine.scheduling.batch_rows import BatchRows, FlushAnswer
from auricle_server.engine.scheduling.commands import FlushCommand
from auricle_server.engine.types import NO_MARK, StepResults
from tests.support.engine.rows import rows

FLOATS = np.array([0.5, 0.25, 0.125], np.float32)
OUTPUTS = StepOutputs(
    counts=np.array([2, 1], np.int32),
    tokens=np.array([10, 11, 12], np.int32),
    frames=np.array([0, 1, 1], np.int32),
    probabilities=FLOATS,
    confidences=FLOATS,
    seconds=0.02,
)


class Instant:
    """A runner whose batches are finished when they are launched."""

    depth = 0

    def __init__(self, outputs: StepOutputs) -> None:
        self._outputs = outputs

    def launch(self, inputs: StepInputs) -> Instant:
        return self

    def collect(self) -> StepOutputs:
        return self._outputs


def collected(given: BatchRows, outputs: StepOutputs = OUTPUTS, answers: FlushAnswers | None = None) -> StepResults:
    inputs = StepInputs(np.zeros((len(given), given.frames * 1280), np.int16), np.zeros((9, len(given)), np.int64))
    step = InFlightStep(Instant(outputs), inputs, given, np.array([100, 101]), answers or FlushAnswers())  # type: ignore[arg-type]
    step.launch()
    return step.collect()


def test_frames_are_counted_from_the_start_of_the_stream() -> None:
    found = collected(rows())
    assert found.frames.tolist() == [2, 3, 0], "a token in the silence after a flush belongs to its last audio frame"
    assert (found.slots.tolist(), found.leases.tolist(), found.samples.tolist()) == ([3, 5], [100, 101], [4000, 1000])
    assert (found.marks.tolist(), found.computed, found.chunk_frames) == ([NO_MARK, 7], 2, 2)


def test_answers_follow_the_rows_of_their_batch() -> None:
    answers = FlushAnswers()
    answers.add(101, FlushAnswer(5, FlushCommand(8, True), 1000))
    found = collected(rows(), answers=answers)
    assert (found.marks.tolist(), found.ended.tolist()) == ([NO_MARK, 7, 8], [False, False, True])
    assert (found.counts.tolist(), found.seconds, found.computed) == ([2, 1, 0], 0.02, 2)


def test_rows_of_several_chunks_are_split_into_chunks() -> None:
    given = replace(rows(), frames=4, chunks=2, whole=np.array([True, True]), last_audio_frame=np.array([5, 3]))
    outputs = replace(OUTPUTS, frames=np.array([1, 2, 3], np.int32))
    found = collected(given, outputs)
    assert found.slots.tolist() == [3, 3, 5, 5]
    assert found.counts.tolist() == [1, 1, 0, 1]
    assert found.samples.tolist() == [4000 - 2560, 4000, 1000 - 2560, 1000]
    assert found.frames.tolist() == [3, 4, 3]


@pytest.mark.parametrize("swapped", [False, True])
def test_nothing_is_added_to_nothing(swapped: bool) -> None:
    found = collected(rows())
    assert (concatenated(StepResults(), found) if swapped else concatenated(found, StepResults())) is found


def test_rows_of_leases_that_have_ended_are_dropped_with_their_tokens() -> None:
    found, lease_of = collected(rows()), np.zeros(8, np.int64)
    lease_of[[3, 5]] = 100, 101
    assert without_ended(found, lease_of) is found
    lease_of[3] = 999
    kept = without_ended(found, lease_of)
    assert (kept.slots.tolist(), kept.tokens.tolist(), kept.counts.tolist()) == ([5], [12], [1])
    assert kept.probabilities.tolist() == [0.125]
