"""How many chunks the rows of files may hold."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.engine.scheduling.background import BackgroundSlots
from auricle_server.engine.scheduling.commands import StreamSettings
from auricle_server.engine.scheduling.stream_inputs import StreamInputs
from tests.auricle_server.engine.scheduling.test_stream_inputs import GEOMETRY, SIZES, ramp

FILES = 1, 2


@pytest.fixture
def inputs() -> StreamInputs:
    made = StreamInputs(GEOMETRY, 4, SIZES, (2, 4, 8))
    for slot in (*FILES, 3):
        made.open(slot, StreamSettings(14, 0))
        made.push(slot, ramp(0, 14 * 9 * 1280))
    return made


def rows(inputs: StreamInputs, background: BackgroundSlots, used: int) -> list[int]:
    slots = np.array([*FILES, 3])
    background.set_chunks(slots, used, inputs)
    return list(map(int, inputs.ready(slots).frames))


def test_files_alone_share_the_longest_row(inputs: StreamInputs) -> None:
    background = BackgroundSlots(8)
    background.slots.add(1)
    assert rows(inputs, background, used=1) == [112, 14, 14]
    background.slots.add(2)
    assert rows(inputs, background, used=2) == [56, 56, 14]
    assert background.in_order.tolist() == [1, 2]


def test_beside_a_live_stream_rows_are_single_chunks(inputs: StreamInputs) -> None:
    background = BackgroundSlots(8)
    background.slots.add(1)
    assert rows(inputs, background, used=2) == [14, 14, 14]
