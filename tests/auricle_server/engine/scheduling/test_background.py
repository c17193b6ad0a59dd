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


def measured(seconds_per_frame: float = 0.001) -> BackgroundSlots:
    background = BackgroundSlots(8, 14)
    background.observe(14, 14 * seconds_per_frame)
    return background


@pytest.mark.parametrize(
    ("seconds_per_frame", "expected"), [(0.001, 112), (0.01, 56), (0.03, 28), (0.05, 14), (9.0, 14)]
)
def test_rows_are_as_long_as_a_second_computes(inputs: StreamInputs, seconds_per_frame: float, expected: int) -> None:
    background = measured(seconds_per_frame)
    background.slots.add(1)
    assert rows(inputs, background, used=1) == [expected, 14, 14]


def test_before_the_first_measurement_a_row_is_one_chunk(inputs: StreamInputs) -> None:
    background = BackgroundSlots(8, 14)
    background.slots.add(1)
    background.observe(2, 0.0001)  # a step for live speech
    assert rows(inputs, background, used=1) == [14, 14, 14]


def test_a_machine_that_becomes_slow_gets_short_rows_at_once_and_long_ones_again_step_by_step() -> None:
    background = measured()
    background.observe(112, 11.2)
    assert background.most_frames == 14
    frames = []
    for _ in range(30):
        background.observe(14, 0.014)
        frames.append(background.most_frames)
    assert frames[0] == 14
    assert frames == sorted(frames)
    assert frames[-1] > 112


def test_files_alone_share_the_longest_row(inputs: StreamInputs) -> None:
    background = measured()
    background.slots.add(1)
    assert rows(inputs, background, used=1) == [112, 14, 14]
    background.slots.add(2)
    assert rows(inputs, background, used=2) == [56, 56, 14]
    assert background.in_order.tolist() == [1, 2]


def test_beside_a_live_stream_rows_are_single_chunks(inputs: StreamInputs) -> None:
    background = measured()
    background.slots.add(1)
    assert rows(inputs, background, used=2) == [14, 14, 14]
