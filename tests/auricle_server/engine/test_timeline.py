from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.checkpoints.config import DecoderConfig, EncoderConfig, MelConfig, ModelConfig
from auricle_server.engine.geometry import Geometry
from auricle_server.engine.timeline import Flush, Row, Settings, Timeline
from auricle_server.engine.types import LeaseEnded

CONFIG = ModelConfig(
    MelConfig(16_000, 400, 160, 512, 128, 0.97),
    EncoderConfig(2, 64, 4, 9, 16, False, ((70, 13), (70, 0))),
    DecoderConfig(2, 32, 32, 64, 10),
    None,
)
GEOMETRY = Geometry(CONFIG)
CHUNK_80, CHUNK_1120 = Settings(1, 0), Settings(14, 0)


def ramp(start: int, count: int) -> np.ndarray:
    """Audio whose samples say where they belong (from 1 on)."""
    return (np.arange(start, start + count) % 30_000 + 1).astype(np.int16)


def drain(timeline: Timeline) -> list[Row]:
    rows = []
    while (row := timeline.next_row()) is not None:
        rows.append(row)
        timeline.done(row)
    return rows


def test_encoder_frame_k_needs_1280_k_plus_200_samples() -> None:
    timeline = Timeline(GEOMETRY, CHUNK_80)
    timeline.push(ramp(0, 199))
    assert drain(timeline) == []
    timeline.push(ramp(199, 1))
    assert [row.position for row in drain(timeline)] == [0]
    timeline.push(ramp(200, 1279))
    assert drain(timeline) == []
    timeline.push(ramp(1479, 1))
    assert [row.position for row in drain(timeline)] == [1]


def test_audio_of_a_chunk_joins_what_the_slot_has_kept() -> None:
    timeline = Timeline(GEOMETRY, CHUNK_80)
    timeline.push(ramp(0, 5000))
    joined = []
    for _ in range(3):
        row = timeline.next_row()
        assert row is not None
        joined.append(timeline.audio_of(row))
        timeline.done(row)
    audio = np.concatenate(joined)
    assert not audio[:1080].any()
    assert (audio[1080:] == ramp(0, len(audio) - 1080)).all()


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (159, 0), (160, 1), (320, 2), (1280, 2), (1440, 2), (1600, 3), (16_000, 14)]
)
def test_encoder_frames_of_a_whole_stream(samples: int, frames: int) -> None:
    assert GEOMETRY.encoder_frames(samples) == frames


@given(samples=st.integers(0, 200_000), frames=st.sampled_from([1, 2, 7, 14]))
def test_one_flush_always_reaches_the_end(samples: int, frames: int) -> None:
    timeline = Timeline(GEOMETRY, Settings(frames, 0))
    timeline.push(np.zeros(samples, np.int16))
    timeline.flush(Flush(1, True))
    rows = []
    decoded: list[int] = []
    while (row := timeline.next_row()) is not None:
        first, last = timeline.frames_to_decode(row)
        decoded += range(row.position + first, row.position + last)
        rows.append(row)
        timeline.done(row)
        if row.flush:
            break
    assert decoded == list(range(GEOMETRY.encoder_frames(samples)))
    assert [row.flush is not None for row in rows] == [False] * (len(rows) - 1) + [True]


@given(
    cuts=st.lists(st.integers(1, 9000), min_size=1, max_size=12),
    frames=st.sampled_from([1, 2, 7, 14]),
    data=st.data(),
)
def test_flushes_at_any_place_decode_every_frame_once(cuts: list[int], frames: int, data: st.DataObject) -> None:
    timeline = Timeline(GEOMETRY, Settings(frames, 0))
    decoded: list[int] = []
    for mark, cut in enumerate(cuts):
        timeline.push(np.zeros(cut, np.int16))
        if data.draw(st.booleans()):
            timeline.flush(Flush(mark, False))
        if data.draw(st.booleans()):
            timeline.change(Settings(data.draw(st.sampled_from([1, 2, 7, 14])), 0))
        while (row := timeline.next_row()) is not None:
            first, last = timeline.frames_to_decode(row)
            decoded += range(row.position + first, row.position + last)
            timeline.done(row)
    assert decoded == list(range(len(decoded)))


def test_a_flush_rests_on_the_audio_before_it_and_is_not_kept() -> None:
    timeline = Timeline(GEOMETRY, CHUNK_1120)
    timeline.push(ramp(0, 4000))
    timeline.flush(Flush(7, False))
    timeline.push(ramp(4000, 20_000))
    flushed, whole = drain(timeline)
    assert (flushed.samples, flushed.position, flushed.flush) == (4000, 0, Flush(7, False))
    assert (whole.position, whole.flush) == (0, None)
    assert whole.decode_from == GEOMETRY.encoder_frames(4000)


def test_a_change_waits_for_the_audio_before_it() -> None:
    timeline = Timeline(GEOMETRY, CHUNK_80)
    timeline.push(ramp(0, 1280 * 3 + 200))
    timeline.change(CHUNK_1120)
    timeline.push(ramp(0, 1280 * 14))
    assert [row.settings.frames for row in drain(timeline)] == [1, 1, 1, 1, 14]
    assert timeline.latest_settings() == CHUNK_1120


def test_old_audio_is_dropped_however_long_the_stream() -> None:
    timeline = Timeline(GEOMETRY, CHUNK_80)
    for _ in range(3000):
        timeline.push(np.zeros(320, np.int16))
        drain(timeline)
    assert sum(map(len, timeline._pieces)) < 4 * 1280
    assert timeline.pending_samples < 1280


def test_nothing_comes_after_the_last_flush() -> None:
    timeline = Timeline(GEOMETRY, CHUNK_80)
    timeline.flush(Flush(1, True))
    with pytest.raises(LeaseEnded):
        timeline.push(ramp(0, 1))
    with pytest.raises(LeaseEnded):
        timeline.flush(Flush(2, False))
