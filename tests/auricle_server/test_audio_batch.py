"""Audio of many streams in columns."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.audio_batch import AudioBatch

BATCH = AudioBatch(
    np.array([3, 1, 3, 2], np.int32),
    np.array([30, 10, 30, 20], np.int64),
    np.array([2, 3, 0, 1], np.int32),
    np.array([1, 2, 3, 4, 5, 6], np.int16),
)


@pytest.mark.parametrize(
    ("kept", "slots", "pcm"),
    [
        ((True, True, True, True), [3, 1, 3, 2], [1, 2, 3, 4, 5, 6]),
        ((False, True, False, True), [1, 2], [3, 4, 5, 6]),
        ((True, False, True, False), [3, 3], [1, 2]),
        ((False, False, True, False), [3], []),
        ((False, False, False, False), [], []),
    ],
)
def test_each_kept_stream_keeps_its_own_samples(kept: tuple[bool, ...], slots: list[int], pcm: list[int]) -> None:
    found = BATCH.where(np.array(kept, np.bool_))
    assert found.slots.tolist() == slots
    assert found.leases.tolist() == [10 * slot for slot in slots]
    assert (found.pcm.tolist(), int(found.lengths.sum())) == (pcm, len(pcm))


def test_column_types_are_kept() -> None:
    found = BATCH.where(np.array([True, False, False, True]))
    columns = found.slots, found.leases, found.lengths, found.pcm
    assert [column.dtype for column in columns] == [np.int32, np.int64, np.int32, np.int16]


def test_the_batch_itself_is_left_as_it_is() -> None:
    BATCH.where(np.zeros(4, np.bool_))
    assert BATCH.pcm.tolist() == [1, 2, 3, 4, 5, 6]
