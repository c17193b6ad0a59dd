from __future__ import annotations

import numpy as np

from auricle_server.engine.types import NO_MARK, Lease, RowResult, StepResults


def results() -> StepResults:
    return StepResults(
        slots=np.array([3, 1], np.int32),
        leases=np.array([30, 10], np.int64),
        samples=np.array([2000, 900]),
        marks=np.array([NO_MARK, 5]),
        ended=np.array([False, True]),
        counts=np.array([0, 2], np.int32),
        tokens=np.array([7, 8], np.int32),
        frames=np.array([1, 4], np.int32),
        probabilities=np.array([0.5, 0.25], np.float32),
        confidences=np.array([1.0, 0.75], np.float32),
    )


def test_rows_are_the_columns_one_by_one() -> None:
    assert results().rows() == [
        RowResult(Lease(30, 3), 2000),
        RowResult(Lease(10, 1), 900, (7, 8), (1, 4), (0.5, 0.25), (1.0, 0.75), mark=5, ended=True),
    ]


def test_a_step_that_brought_nothing_is_empty() -> None:
    nothing = StepResults()
    assert (len(nothing), nothing.rows(), nothing.computed, nothing.seconds) == (0, [], 0, 0.0)


def test_columns_name_every_array() -> None:
    found = results()
    arrays = {name for name in StepResults.__dataclass_fields__ if isinstance(getattr(found, name), np.ndarray)}
    assert arrays == set(StepResults.COLUMNS)
    assert {len(getattr(found, name)) for name in StepResults.OF_TOKENS} == {int(found.counts.sum())}
