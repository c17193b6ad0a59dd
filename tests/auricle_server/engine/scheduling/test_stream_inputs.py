from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.audio_batch import AudioBatch
from auricle_server.checkpoints.config import DecoderConfig, EncoderConfig, MelConfig, ModelConfig
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.batch_rows import BatchRows, FlushAnswer
from auricle_server.engine.scheduling.commands import FlushCommand, StreamSettings
from auricle_server.engine.scheduling.stream_inputs import StreamInputs
from tests.support.engine.scalar_timeline import Row, Timeline

CONFIG = ModelConfig(
    MelConfig(16_000, 400, 160, 512, 128, 0.97),
    EncoderConfig(2, 64, 4, 9, 16, False, ((70, 13), (70, 0))),
    DecoderConfig(2, 32, 32, 64, 10),
    None,
)
GEOMETRY = FrameGeometry(CONFIG)
CHUNK_80, CHUNK_1120 = StreamSettings(1, 0), StreamSettings(14, 0)
SIZES = (1, 2, 7, 14)
SLOT = np.array([3])
Audio = npt.NDArray[np.int16]


def ramp(start: int, count: int) -> Audio:
    """Audio whose samples say where they belong (from 1 on)."""
    return (np.arange(start, start + count) % 30_000 + 1).astype(np.int16)


def timelines(settings: StreamSettings) -> StreamInputs:
    made = StreamInputs(GEOMETRY, 4, SIZES)
    made.open(int(SLOT[0]), settings)
    return made


def drain(lines: StreamInputs, answers: list[FlushAnswer] | None = None) -> list[tuple[BatchRows, Audio]]:
    """Every row of `SLOT` with its audio, one row at a time; `answers` gets the flushes that need no computing."""
    found: list[tuple[BatchRows, Audio]] = []
    while True:
        ready = lines.ready(SLOT)
        if answers is not None:
            answers += ready.answers
        if not ready.frames.any():
            return found
        for slot in SLOT[ready.frames > 0]:
            rows = lines.take(np.array([slot]))
            pcm = np.empty((1, rows.frames * GEOMETRY.frame_samples), np.int16)
            lines.gather(rows, pcm)
            found.append((rows, pcm[0]))


def test_encoder_frame_k_needs_1280_k_plus_200_samples() -> None:
    lines = timelines(CHUNK_80)
    lines.push(3, ramp(0, 199))
    assert drain(lines) == []
    lines.push(3, ramp(199, 1))
    assert [rows.position[0] for rows, _ in drain(lines)] == [0]
    lines.push(3, ramp(200, 1279))
    assert drain(lines) == []
    lines.push(3, ramp(1479, 1))
    assert [rows.position[0] for rows, _ in drain(lines)] == [1]


def test_audio_of_a_chunk_joins_what_the_slot_has_kept() -> None:
    lines = timelines(CHUNK_80)
    lines.push(3, ramp(0, 5000))
    audio = np.concatenate([pcm for _, pcm in drain(lines)])
    assert not audio[:1080].any()
    assert (audio[1080:] == ramp(0, len(audio) - 1080)).all()


@pytest.mark.parametrize("frames", [1, 2, 7, 14])
def test_minutes_of_audio_at_once_wait_behind_the_ring(frames: int) -> None:
    lines = timelines(StreamSettings(frames, 0))
    for piece in range(0, 300_000, 50_000):
        lines.push(3, ramp(piece, 50_000))
    audio = np.concatenate([pcm for _, pcm in drain(lines)])
    assert len(audio) > 270_000
    assert (audio[1080:] == ramp(0, len(audio) - 1080)).all()
    assert not lines._audio._waiting


@pytest.mark.parametrize("frames", [1, 2, 14])
@pytest.mark.parametrize("at", [0, 1, 200, 1480, 5000, 17_000, 18_120, 18_121, 30_000])
def test_a_prompt_holds_from_the_first_chunk_on_that_begins_behind_it(frames: int, at: int) -> None:
    lines = timelines(StreamSettings(frames, 0))
    lines.push(3, np.zeros(at, np.int16))
    found = drain(lines)
    lines.change(3, StreamSettings(frames, 9))
    assert lines.latest_settings(3).prompt == 9
    lines.push(3, np.zeros(60_000, np.int16))
    lines.flush(3, FlushCommand(1, True))
    for rows, _ in found + drain(lines):
        first = int(rows.position[0])
        begins = max(0, GEOMETRY.input_start(first))
        assert int(rows.prompt[0]) == (9 if begins >= at else 0)


def test_a_prompt_does_not_wait_for_the_one_before_it() -> None:
    lines = timelines(StreamSettings(14, 0))
    lines.push(3, np.zeros(5000, np.int16))
    lines.change(3, StreamSettings(14, 8))
    lines.push(3, np.zeros(5000, np.int16))
    lines.change(3, StreamSettings(2, 9))
    lines.push(3, np.zeros(30_000, np.int16))
    prompts = {int(rows.position[0]): int(rows.prompt[0]) for rows, _ in drain(lines)}
    assert prompts == {first: 9 if first >= 10 else 0 for first in range(0, 32, 2)}


@dataclass
class Step:
    """One thing that happens to a stream."""

    slot: int
    push: int = 0
    flush: bool = False
    change: int = 0


STEPS = st.lists(
    st.builds(
        Step,
        slot=st.integers(1, 4),
        push=st.integers(0, 60_000),
        flush=st.booleans(),
        change=st.sampled_from([0, 0, 1, 2, 7, 14]),
    ),
    min_size=1,
    max_size=25,
)


class Oracle:
    """A scalar timeline for every slot, drained row by row."""

    def __init__(self) -> None:
        self.lines = {slot: Timeline(GEOMETRY, CHUNK_80, SIZES) for slot in range(1, 5)}

    def rows(self, slot: int) -> list[tuple[object, ...]]:
        line, found = self.lines[slot], list[tuple[object, ...]]()
        while (row := line.next_row()) is not None:
            if row.flush and not row.frames:
                found.append(("answer", row.flush.mark, row.samples))
            else:
                found.append(told(row, line.frames_to_decode(row), line.audio_of(row).tobytes()))
            line.done(row)
        return found


def told(row: Row, decoded: int, audio: bytes) -> tuple[object, ...]:
    return row.frames, row.position, row.samples, decoded, row.flush.mark if row.flush else -1, audio


def told_by_columns(rows: BatchRows, audio: Audio) -> tuple[object, ...]:
    numbers = (rows.position, rows.samples, rows.last, rows.marks)
    return rows.frames, *(int(column[0]) for column in numbers), audio.tobytes()


def told_by_answer(answer: FlushAnswer) -> tuple[object, ...]:
    return "answer", answer.flush.mark, answer.samples


@given(steps=STEPS)
def test_all_slots_at_once_equal_each_alone(steps: list[Step]) -> None:
    lines, oracle = StreamInputs(GEOMETRY, 4, SIZES), Oracle()
    sent = dict.fromkeys(range(1, 5), 0)
    for slot in oracle.lines:
        lines.open(slot, CHUNK_80)
    for mark, step in enumerate(steps):
        pcm = ramp(sent[step.slot], step.push)
        sent[step.slot] += step.push
        one = AudioBatch(np.array([step.slot]), np.zeros(1, np.int64), np.array([len(pcm)]), pcm)
        lines.push_batch(one)
        oracle.lines[step.slot].push(pcm)
        if step.flush:
            lines.flush(step.slot, FlushCommand(mark, False))
            oracle.lines[step.slot].flush(FlushCommand(mark, False))
        if step.change:
            lines.change(step.slot, StreamSettings(step.change, 0))
            oracle.lines[step.slot].change(StreamSettings(step.change, 0))
        if mark % 3 == 2 or mark == len(steps) - 1:
            compare(lines, oracle)


def compare(lines: StreamInputs, oracle: Oracle) -> None:
    """Rows and answers of every slot, each in its own order; a flush rests on whatever came before it."""
    found: dict[int, list[tuple[object, ...]]] = {slot: [] for slot in oracle.lines}
    slots = np.arange(1, 5)
    while True:
        ready = lines.ready(slots)
        frames = ready.frames
        for answer in ready.answers:
            found[answer.slot].append(told_by_answer(answer))
        if not frames.any():
            break
        size = frames[frames > 0][0]
        chosen = slots[frames == size]
        rows = lines.take(chosen)
        pcm = np.empty((len(chosen), int(size) * GEOMETRY.frame_samples), np.int16)
        lines.gather(rows, pcm)
        for index, slot in enumerate(chosen.tolist()):
            found[slot].append(told_by_columns(only(rows, index), pcm[index]))
    assert found == {slot: oracle.rows(slot) for slot in oracle.lines}
    for slot, line in oracle.lines.items():
        assert lines.pending_samples(slot) == line.pending_samples
        assert lines.latest_settings(slot) == line.latest_settings()


def only(rows: BatchRows, index: int) -> BatchRows:
    names = (
        "slots",
        "position",
        "origin",
        "samples",
        "end",
        "last",
        "last_audio_frame",
        "whole",
        "marks",
        "ended",
        "prompt",
        "terms",
    )
    return BatchRows(rows.frames, *(getattr(rows, name)[index : index + 1] for name in names))


def test_a_change_waits_for_the_audio_before_it() -> None:
    lines = timelines(CHUNK_80)
    lines.push(3, ramp(0, 1280 * 3 + 200))
    lines.change(3, CHUNK_1120)
    lines.push(3, ramp(0, 1280 * 14))
    assert [rows.frames for rows, _ in drain(lines)] == [1, 1, 1, 1, 14]
    assert lines.latest_settings(3) == CHUNK_1120


def test_a_slot_starts_anew() -> None:
    lines = timelines(CHUNK_80)
    lines.push(3, ramp(0, 90_000))
    lines.flush(3, FlushCommand(1, True))
    lines.open(3, CHUNK_1120)
    assert lines.pending_samples(3) == 0
    lines.push(3, ramp(500, 18_000))
    ((rows, audio),) = drain(lines)
    assert (rows.position[0], rows.frames) == (0, 14)
    assert not audio[:1080].any()
    assert (audio[1080:] == ramp(500, len(audio) - 1080)).all()
