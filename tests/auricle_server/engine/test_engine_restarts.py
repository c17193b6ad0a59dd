"""Cures in the engine, on the two-tone checkpoint: a warm-up, and states that start anew from kept audio."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.checkpoints.load import Checkpoint
from auricle_server.cures import Cures
from auricle_server.engine import Engine, Lease, RowResult
from auricle_server.engine.build import Hardware
from auricle_server.engine.runners.cuda_graphs import StaticRunner
from tests.auricle_server.engine.test_engine import LATENCIES, drain, text_of
from tests.support import tones
from tests.support.feeding import Feeder

FRAME = 1280
WARM_UP_FRAMES = 14
REFRESH = Cures(refresh_seconds=5)
STATIC = Hardware("cpu", kernels=False, static=True)
Found = tuple[list[int], list[int]]


def made(checkpoint: Checkpoint, cures: Cures, **settings: object) -> Engine:
    return Engine(checkpoint, slots=6, threads=1, cures=cures, **{"device": "cpu", **settings})  # type: ignore[arg-type]


def found(rows: list[RowResult], lease: Lease) -> Found:
    mine = [row for row in rows if row.lease == lease]
    return [token for row in mine for token in row.tokens], [frame for row in mine for frame in row.frames]


def stream(engine: Engine, audio: tones.Pcm, latency_ms: int, piece: int = FRAME) -> Found:
    """Tokens and frames of a live stream: the engine steps after every piece."""
    lease, rows = engine.open(latency_ms, "en-US"), list[RowResult]()
    for begin in range(0, len(audio), piece):
        engine.push(lease, audio[begin : begin + piece])
        rows += drain(engine)
    engine.flush(lease, 1, last=True)
    return found(rows + drain(engine), lease)


def after_silence(engine: Engine, audio: tones.Pcm, latency_ms: int) -> Found:
    """The same with silence before the audio, in one chunk, on the clock of the audio."""
    lease = engine.open(WARM_UP_FRAMES * 80, "en-US")
    engine.push(lease, np.zeros(WARM_UP_FRAMES * FRAME, np.int16))
    rows = drain(engine)
    engine.change(lease, latency_ms=latency_ms)
    engine.push(lease, audio)
    engine.flush(lease, 1, last=True)
    tokens, frames = found(rows + drain(engine), lease)
    return tokens, [frame - WARM_UP_FRAMES for frame in frames]


def with_pause(seconds: float) -> tuple[tones.Pcm, str]:
    """Words, digital silence, words."""
    first, before = tones.utterance(5, 4)
    second, behind = tones.utterance(6, 4)
    return np.concatenate((first, np.zeros(round(seconds * 16_000), np.int16), second)), f"{before} {behind}"


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_a_warm_up_is_silence_before_the_first_sample(checkpoint: Checkpoint, latency_ms: int) -> None:
    audio = tones.utterance(11, 6)[0][4800:]  # begins with a word
    warm = stream(made(checkpoint, Cures(warm_up_seconds=1.12)), audio, latency_ms)
    assert warm == after_silence(made(checkpoint, Cures()), audio, latency_ms)
    assert len(warm[0]) >= 5


@pytest.mark.parametrize("static", [False, True])
def test_every_stream_of_a_slot_starts_warm(checkpoint: Checkpoint, static: bool) -> None:
    audio = tones.utterance(11, 6)[0]
    hardware = STATIC if static else Hardware("cpu")
    engine = made(checkpoint, Cures(warm_up_seconds=1.12), hardware=hardware, device=None)
    assert isinstance(engine._runner, StaticRunner) == static
    first = stream(engine, audio, 160)
    for seed in range(7):
        stream(engine, tones.utterance(seed, 3)[0], 560)
    assert stream(engine, audio, 160) == first


def test_a_warm_up_moves_no_position(checkpoint: Checkpoint) -> None:
    audio = tones.utterance(11, 6)[0]
    ends = []
    for cures in (Cures(), Cures(warm_up_seconds=1.12)):
        engine = made(checkpoint, cures)
        lease = engine.open(160, "en-US")
        engine.push(lease, audio)
        engine.flush(lease, 1, last=True)
        ends.append([(row.samples, row.mark, row.ended) for row in drain(engine)])
    assert ends[0] == ends[1]


def test_cures_that_are_off_change_no_token(checkpoint: Checkpoint) -> None:
    audio = with_pause(9)[0]
    assert stream(made(checkpoint, Cures()), audio, 80) == stream(Engine(checkpoint, slots=6, device="cpu"), audio, 80)


def test_a_refresh_changes_nothing_while_words_come(checkpoint: Checkpoint) -> None:
    audio = with_pause(3)[0]
    engine = made(checkpoint, REFRESH)
    assert stream(engine, audio, 80) == stream(made(checkpoint, Cures()), audio, 80)
    assert engine.restarts == 0


@pytest.mark.parametrize("latency_ms", LATENCIES)
@pytest.mark.parametrize("cures", [REFRESH, Cures(refresh_seconds=5, warm_up_seconds=1.12)])
def test_a_long_silence_starts_the_state_anew_and_no_word_is_lost(
    checkpoint: Checkpoint, latency_ms: int, cures: Cures
) -> None:
    audio, text = with_pause(12)
    engine = made(checkpoint, cures)
    tokens, frames = stream(engine, audio, latency_ms)
    assert text_of(engine, tokens) == text
    assert engine.restarts == (2 if latency_ms < 1120 else 1)
    assert frames == sorted(frames)


def test_after_a_refresh_a_stream_is_one_that_has_begun_there(checkpoint: Checkpoint) -> None:
    """28 frames before the frame at which the run of silence was 5 s long, as the next row has brought no token."""
    silence, (audio, _) = np.zeros(100 * FRAME, np.int16), tones.utterance(6, 4)
    engine = made(checkpoint, REFRESH)
    tokens, frames = stream(engine, np.concatenate((silence, audio)), 80)
    assert engine.restarts == 1
    start = round(5 / 0.08) + 1 - 28 - 1
    reference = made(checkpoint, Cures())
    lease = reference.open(1120, "en-US")
    reference.push(lease, silence[: 28 * FRAME])
    rows = drain(reference)
    reference.change(lease, latency_ms=80)
    reference.push(lease, np.concatenate((silence[(start + 28) * FRAME :], audio)))
    reference.flush(lease, 1, last=True)
    expected = found(rows + drain(reference), lease)
    assert (tokens, frames) == (expected[0], [frame + start for frame in expected[1]])


def test_restarts_do_not_depend_on_timing_or_batch(checkpoint: Checkpoint) -> None:
    jobs = {job: with_pause(6 + job)[0] for job in range(5)}
    alone = {
        job: Feeder(made(checkpoint, REFRESH), seed=job).run({job: jobs[job]}, 160, "en-US", 1)[job] for job in jobs
    }
    engine = made(checkpoint, REFRESH)
    together = Feeder(engine, seed=99).run(jobs, 160, "en-US", at_once=5)
    assert engine.restarts >= 5
    for job in jobs:
        assert (together[job].tokens, together[job].frames) == (alone[job].tokens, alone[job].frames)


def test_a_device_with_a_batch_in_flight_restarts_at_the_same_frame(checkpoint: Checkpoint) -> None:
    audio = with_pause(12)[0]
    pipelined = made(checkpoint, REFRESH, hardware=STATIC, device=None)
    pipelined._runner.depth = 1
    assert stream(pipelined, audio, 80, piece=50_000) == stream(made(checkpoint, REFRESH), audio, 80)
    assert pipelined.restarts == 2


def test_a_file_in_rows_of_several_chunks_loses_nothing(checkpoint: Checkpoint) -> None:
    audio, text = with_pause(30)
    engine = made(checkpoint, REFRESH)
    lease = engine.open(1120, "en-US")
    engine.set_background(lease)
    engine.push(lease, audio)
    engine.flush(lease, 1, last=True)
    assert text_of(engine, found(drain(engine), lease)[0]) == text
    assert engine.restarts > 0


def test_a_file_restarts_at_the_same_frames_alone_and_beside_a_live_stream(checkpoint: Checkpoint) -> None:
    audio = np.concatenate([with_pause(seconds)[0] for seconds in (7, 13, 40)])
    sequences, restarts = [], []
    for company in (False, True):
        engine = made(checkpoint, REFRESH)
        if company:
            engine.open(80, "en-US")
        lease = engine.open(1120, "en-US")
        engine.set_background(lease)
        engine.push(lease, audio)
        engine.flush(lease, 1, last=True)
        sequences.append(found(drain(engine), lease))
        restarts.append(engine.restarts)
    assert sequences[0] == sequences[1]
    assert restarts[0] == restarts[1] >= 7


def test_flushes_in_a_long_silence_are_answered(checkpoint: Checkpoint) -> None:
    audio, text = with_pause(12)
    engine = made(checkpoint, REFRESH)
    lease, rows = engine.open(160, "en-US"), list[RowResult]()
    for mark, begin in enumerate(range(0, len(audio), 4000)):
        engine.push(lease, audio[begin : begin + 4000])
        engine.flush(lease, mark)
        rows += drain(engine)
    engine.flush(lease, 999, last=True)
    rows += drain(engine)
    marks = [row.mark for row in rows if row.mark is not None]
    assert marks == [*range(len(marks) - 1), 999]
    assert engine.restarts == 2
    whole = [row for row in rows if row.mark is None or row.ended]
    assert text_of(engine, found(whole, lease)[0]) == text


def test_key_terms_and_a_change_of_latency_survive_a_restart(checkpoint: Checkpoint) -> None:
    audio, text = with_pause(12)
    engine = made(checkpoint, REFRESH)
    lease = engine.open(80, "en-US", ("they was",))
    half = len(audio) // 2
    engine.push(lease, audio[:half])
    rows = drain(engine)
    engine.change(lease, latency_ms=560)
    engine.push(lease, audio[half:])
    engine.flush(lease, 1, last=True)
    assert text_of(engine, found(rows + drain(engine), lease)[0]) == text
    assert engine.restarts >= 1


def test_audio_is_decoded_again_when_the_caller_has_heard_speech_in_it(checkpoint: Checkpoint) -> None:
    quiet = np.zeros(20 * FRAME, np.int16)
    audio, text = tones.utterance(6, 4)
    engine = made(checkpoint, Cures(watch_seconds=2))
    lease = engine.open(80, "en-US")
    engine.push(lease, quiet)
    rows = drain(engine)
    engine.decode_again(lease, 10 * FRAME)
    engine.push(lease, audio)
    engine.flush(lease, 1, last=True)
    tokens, frames = found(rows + drain(engine), lease)
    assert engine.restarts == 1
    assert text_of(engine, tokens) == text
    assert min(frames) >= 20


def test_what_has_brought_a_token_is_not_decoded_again(checkpoint: Checkpoint) -> None:
    audio, text = tones.utterance(6, 4)
    engine = made(checkpoint, Cures(watch_seconds=2))
    lease = engine.open(80, "en-US")
    engine.push(lease, audio)
    rows = drain(engine)
    engine.decode_again(lease, 0)
    engine.flush(lease, 1, last=True)
    assert text_of(engine, found(rows + drain(engine), lease)[0]) == text
    assert engine.restarts == 0


def test_no_more_audio_is_decoded_again_than_is_kept(checkpoint: Checkpoint) -> None:
    engine = made(checkpoint, Cures(watch_seconds=2))
    lease = engine.open(80, "en-US")
    for _ in range(60):
        engine.push(lease, np.zeros(5 * FRAME, np.int16))
        drain(engine)
    engine.decode_again(lease, 0)
    audio, text = tones.utterance(6, 4)
    engine.push(lease, audio)
    engine.flush(lease, 1, last=True)
    assert text_of(engine, found(drain(engine), lease)[0]) == text
    assert engine.restarts == 1


def test_a_stream_that_has_ended_has_nothing_to_decode_again(checkpoint: Checkpoint) -> None:
    """The caller's request may cross the answer to the last flush."""
    engine = made(checkpoint, Cures(watch_seconds=2))
    lease = engine.open(80, "en-US")
    engine.push(lease, np.zeros(20 * FRAME, np.int16))
    engine.flush(lease, 1, last=True)
    drain(engine)
    successor = engine.open(80, "en-US")
    engine.decode_again(lease, 0)
    assert engine.restarts == 0
    assert engine.buffered_seconds(successor) == 0
