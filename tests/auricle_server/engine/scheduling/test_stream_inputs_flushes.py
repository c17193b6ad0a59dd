"""A flush: the chunk that it gets, the silence after it, and what it leaves to the rows that follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.scheduling.batch_rows import FlushAnswer
from auricle_server.engine.scheduling.commands import FlushCommand, StreamSettings
from auricle_server.engine.scheduling.flush_rows import SILENT_FRAMES
from auricle_server.engine.types import LeaseEnded
from tests.auricle_server.engine.scheduling.test_stream_inputs import (
    CHUNK_80,
    CHUNK_1120,
    GEOMETRY,
    SLOT,
    drain,
    ramp,
    timelines,
)


@given(samples=st.integers(0, 200_000), frames=st.sampled_from([1, 2, 7, 14]))
def test_one_flush_always_reaches_the_end(samples: int, frames: int) -> None:
    lines = timelines(StreamSettings(frames, 0))
    lines.push(3, np.zeros(samples, np.int16))
    lines.flush(3, FlushCommand(1, True))
    answers: list[FlushAnswer] = []
    rows = [rows for rows, _ in drain(lines, answers)]
    decoded = [int(row.position[0]) + frame for row in rows for frame in range(int(row.last[0]))]
    assert decoded == list(range(GEOMETRY.encoder_frames(samples)))
    assert [int(row.marks[0]) for row in rows if not row.whole[0]] + [a.flush.mark for a in answers] == [1]


def test_a_flush_rests_on_the_audio_before_it_and_is_not_kept() -> None:
    lines = timelines(CHUNK_1120)
    lines.push(3, ramp(0, 4000))
    lines.flush(3, FlushCommand(7, False))
    lines.push(3, ramp(4000, 20_000))
    (flushed, _), (whole, audio) = drain(lines)
    assert [int(column[0]) for column in (flushed.samples, flushed.position, flushed.marks)] == [4000, 0, 7]
    assert [int(column[0]) for column in (whole.position, whole.marks)] == [0, -1]
    assert (flushed.whole[0], whole.whole[0]) == (False, True)
    imagined = SILENT_FRAMES * GEOMETRY.frame_samples
    assert [int(column[0]) for column in (flushed.end, flushed.last_audio_frame)] == [4000 + imagined, 3]
    assert (audio[1080:] == ramp(0, len(audio) - 1080)).all()


@pytest.mark.parametrize(
    ("frames", "held", "chunk"),
    [
        (1, 1, 7),
        (1, 2, 7),
        (2, 1, 7),
        (2, 2, 7),
        (2, 4, 14),
        (7, 2, 7),
        (7, 3, 14),
        (7, 7, 14),
        (14, 1, 14),
        (14, 14, 14),
    ],
)
def test_a_flush_gets_a_chunk_with_room_for_the_silence_behind_it(frames: int, held: int, chunk: int) -> None:
    lines = timelines(StreamSettings(frames, 0))
    lines.push(3, ramp(0, (held - 1) * GEOMETRY.frame_samples + 199))  # one sample short of the next encoder frame
    lines.flush(3, FlushCommand(1, False))
    rows, _ = next(iter(drain(lines)))
    assert (rows.frames, int(rows.marks[0]), int(rows.last[0])) == (chunk, 1, min(chunk, held + SILENT_FRAMES))


def test_behind_a_flush_there_is_silence_whatever_has_come_since() -> None:
    lines = timelines(CHUNK_80)
    lines.push(3, ramp(0, 1000))
    lines.flush(3, FlushCommand(1, False))
    lines.push(3, ramp(1000, 3000))
    _, audio = drain(lines)[0]
    assert audio[1080:2080].all()
    assert not audio[2080:].any()


def test_a_second_flush_without_new_audio_needs_no_computing() -> None:
    lines = timelines(CHUNK_80)
    lines.push(3, ramp(0, 1000))
    lines.flush(3, FlushCommand(1, False))
    lines.flush(3, FlushCommand(2, False))
    answers: list[FlushAnswer] = []
    assert [int(rows.marks[0]) for rows, _ in drain(lines, answers)] == [1, -1]
    assert answers == [FlushAnswer(3, FlushCommand(2, False), 1000)]


def test_nothing_comes_after_the_last_flush() -> None:
    lines = timelines(CHUNK_80)
    lines.flush(3, FlushCommand(1, True))
    with pytest.raises(LeaseEnded):
        lines.push(3, ramp(0, 1))
    with pytest.raises(LeaseEnded):
        lines.flush(3, FlushCommand(2, False))
    with pytest.raises(LeaseEnded):
        lines.push_batch(AudioBatch(SLOT, np.zeros(1, np.int64), np.ones(1, np.int32), ramp(0, 1)))
