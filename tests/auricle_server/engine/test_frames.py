from __future__ import annotations

import numpy as np
import pytest

from auricle_server.engine.frames import FrameGeometry
from tests.support.engine.tiny_model import CONFIG

GEOMETRY = FrameGeometry(CONFIG)


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (159, 0), (160, 1), (320, 2), (1280, 2), (1440, 2), (1600, 3), (16_000, 14)]
)
def test_encoder_frames_of_a_whole_stream(samples: int, frames: int) -> None:
    assert GEOMETRY.encoder_frames(samples) == frames
    assert GEOMETRY.encoder_frames(np.array([samples])).tolist() == [frames]


@pytest.mark.parametrize("frame", [0, 1, 7, 100])
def test_a_chunk_rests_on_1280_k_plus_200_samples(frame: int) -> None:
    assert GEOMETRY.chunk_end(frame, 1) == 1280 * frame + 200
    assert GEOMETRY.chunk_end(0, frame + 1) == 1280 * frame + 200


def test_the_input_of_a_chunk_begins_where_that_of_the_chunk_before_ends() -> None:
    for position in range(0, 50, 7):
        assert GEOMETRY.input_start(position + 7) == GEOMETRY.chunk_end(position, 7)


def test_a_slot_keeps_what_the_next_mel_frame_overlaps_and_a_sample_for_pre_emphasis() -> None:
    assert GEOMETRY.tail_samples == 241


def test_mel_frames_are_counted_like_nemo_does() -> None:
    assert [GEOMETRY.mel_frames(samples) for samples in (0, 159, 160, 319, 16_000)] == [0, 0, 1, 1, 100]
    assert [GEOMETRY.mel_start(position) for position in (0, 1, 2)] == [-7, 1, 9]
    assert GEOMETRY.lookahead_seconds == pytest.approx(0.0125)
