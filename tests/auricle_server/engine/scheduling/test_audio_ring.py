from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.audio_ring import AudioRings
from tests.support.engine.tiny_model import CONFIG

GEOMETRY = FrameGeometry(CONFIG)
BLOCK, LEAD = GEOMETRY.frame_samples, 1080
LONGEST = 2
CAPACITY = (2 * LONGEST + 2) * BLOCK - LEAD


@pytest.fixture
def rings() -> AudioRings:
    made = AudioRings(GEOMETRY, 2, LONGEST)
    for slot in (1, 2):
        made.reset(slot)
    return made


def ramp(start: int, count: int) -> npt.NDArray[np.int16]:
    return np.array([number % 30_000 + 1 for number in range(start, start + count)], np.int16)


def chunk(rings: AudioRings, slot: int, position: int, frames: int = LONGEST) -> npt.NDArray[np.int16]:
    out = np.empty(frames * BLOCK, np.int16)
    rings.gather(np.array([slot]), np.array([position]), frames, out)
    return out


def test_the_first_chunk_begins_with_silence(rings: AudioRings) -> None:
    rings.append(1, ramp(0, 2000))
    found = chunk(rings, 1, 0)
    assert not found[:LEAD].any()
    assert (found[LEAD:] == ramp(0, 2 * BLOCK - LEAD)).all()


def test_audio_wraps_around_once_chunks_are_released(rings: AudioRings) -> None:
    rings.append(1, ramp(0, CAPACITY))
    rings.release(np.array([1]), np.array([4]))
    rings.append(1, ramp(CAPACITY, 3 * BLOCK))
    assert (chunk(rings, 1, 6) == ramp(6 * BLOCK - LEAD, 2 * BLOCK)).all()
    assert rings.received.tolist() == [0, CAPACITY + 3 * BLOCK, 0]


def test_audio_that_does_not_fit_waits_and_moves_up(rings: AudioRings) -> None:
    rings.append(1, ramp(0, CAPACITY + 5000))
    rings.append(1, ramp(CAPACITY + 5000, 700))
    assert rings.received[1] == CAPACITY + 5700
    for position in (2, 4, 6):
        rings.release(np.array([1]), np.array([position]))
    assert (chunk(rings, 1, 6) == ramp(6 * BLOCK - LEAD, 2 * BLOCK)).all()
    assert not rings._waiting


def test_a_batch_is_spread_over_its_slots(rings: AudioRings) -> None:
    columns = np.array([2, 1, 2], np.int32), np.zeros(3, np.int64), np.array([3, 2, 4], np.int32), ramp(0, 9)
    rings.append_batch(AudioBatch(*columns))
    assert rings.received.tolist() == [0, 2, 7]
    assert chunk(rings, 2, 0)[LEAD : LEAD + 7].tolist() == [1, 2, 3, 6, 7, 8, 9]


def test_a_slot_that_is_reset_forgets_its_audio(rings: AudioRings) -> None:
    rings.append(1, ramp(0, CAPACITY + 5000))
    rings.reset(1)
    assert rings.received[1] == 0
    rings.append(1, ramp(500, 300))
    assert chunk(rings, 1, 0)[: LEAD + 300].tolist() == [0] * LEAD + ramp(500, 300).tolist()
