from __future__ import annotations

import numpy as np

from auricle_server.engine.frames import UNBOUNDED, FrameGeometry
from auricle_server.engine.model.forward import COLUMNS, Batch
from auricle_server.engine.runners.runner import StepInputs
from tests.support.engine.rows import rows
from tests.support.engine.tiny_model import CONFIG

GEOMETRY = FrameGeometry(CONFIG)


def filled(terms: int = 0) -> StepInputs:
    inputs = StepInputs(np.zeros((2, 2560), np.int16), np.full((COLUMNS, 2), -99, np.int64))
    inputs.fill(rows(terms), GEOMETRY)
    return inputs


def test_columns_are_the_fields_of_a_batch_in_their_order() -> None:
    names = list(Batch.__dataclass_fields__)[1:]
    columns = dict(zip(names, filled().columns.tolist(), strict=True))
    assert columns["slots"] == [3, 5]
    assert columns["position"] == [2, 0]
    assert columns["start"] == [GEOMETRY.input_start(2), GEOMETRY.input_start(0)]
    assert columns["last"] == [2, 2]
    assert columns["prompt"] == [0, 4]


def test_a_flush_ends_its_stream_and_is_written_to_the_trash_slot() -> None:
    columns = dict(zip(list(Batch.__dataclass_fields__)[1:], filled().columns.tolist(), strict=True))
    assert columns["write_slots"] == [3, 0]
    assert columns["samples"] == [UNBOUNDED, 1640]
    assert columns["mel_frames"] == [UNBOUNDED, 10]


def test_rows_with_key_terms_are_noticed() -> None:
    assert not filled().has_terms
    assert filled(terms=-4).has_terms
