"""Streams that nobody listens to live: what they hear, and who goes first."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine, Lease
from auricle_server.engine.runners.in_flight import InFlightStep
from auricle_server.engine.scheduling.batcher import Batcher
from auricle_server.engine.types import RowResult, StepResults
from tests.support import tones

LONGEST = 1120


def new_engine(slots: int = 6) -> Engine:
    return Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=slots, device="cpu")


def drained(engine: Engine) -> list[RowResult]:
    rows = []
    while engine.ready:
        rows += engine.step().rows()
    return rows


def heard(engine: Engine, lease: Lease, audio: tones.Pcm, rng: random.Random) -> list[tuple[object, ...]]:
    """What comes of a stream: samples, tokens and frames of every chunk, while its audio comes in random pieces."""
    rows, at = [], 0
    while at < len(audio):
        size = rng.choice((777, 20_000, 60_000, 400_000))
        engine.push(lease, audio[at : at + size])
        at += size
        for _ in range(rng.randint(0, 3)):
            rows += engine.step().rows()
    engine.flush(lease, 7, last=True)
    rows += drained(engine)
    return [(row.samples, row.tokens, row.frames, row.mark, row.ended) for row in rows if row.lease == lease]


@pytest.mark.parametrize("seed", range(4))
def test_a_stream_behind_hears_chunk_for_chunk_what_a_live_one_hears(seed: int) -> None:
    engine, rng = new_engine(), random.Random(seed)
    audio = np.concatenate([tones.utterance(rng.randrange(1 << 30), 12)[0] for _ in range(8)])[
        : -rng.randint(0, 17_000)
    ]
    live = heard(engine, engine.open(LONGEST, "en-US"), audio, rng)
    lease = engine.open(LONGEST, "en-US")
    engine.set_background(lease)
    behind = heard(engine, lease, audio, rng)
    assert behind == live
    assert sum(len(row[1]) for row in live if isinstance(row[1], tuple)) > 50


def test_it_is_computed_in_longer_rows_while_nobody_else_is_there() -> None:
    engine = new_engine()
    lease = engine.open(LONGEST, "en-US")
    engine.set_background(lease)
    engine.push(lease, np.zeros(16_000 * 40, np.int16))
    # The first row measures how long a chunk takes, and the second one is ready before it is done.
    assert [engine.step().chunk_frames for _ in range(2)] == [14, 14]
    alone = engine.step().chunk_frames
    other = engine.open(80, "en-US")
    beside = engine.step().chunk_frames
    engine.close(other)
    assert (alone, beside) == (8 * 14, 14)


@pytest.mark.parametrize(("seconds_per_frame", "longest"), [(0.03, 28), (0.3, 14)])
def test_no_step_for_files_is_so_long_that_the_worker_would_be_taken_for_dead(
    seconds_per_frame: float, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row of eight chunks takes 34 s at 0.3 s a frame, and 10 s without a sign of life count as death."""
    audio = np.concatenate([tones.utterance(seed, 12)[0] for seed in range(8)])
    fast, engine = new_engine(), new_engine()
    expected = heard(fast, fast.open(LONGEST, "en-US"), audio, random.Random(1))
    collect = engine._pipeline.collect
    steps = []

    def slowly() -> tuple[StepResults, InFlightStep | None]:
        results, step = collect()
        if results.computed:
            frames = results.chunk_frames * results.computed
            results = replace(results, seconds=frames * seconds_per_frame)
            steps.append(frames)
        return results, step

    monkeypatch.setattr(engine._pipeline, "collect", slowly)
    files = [engine.open(LONGEST, "en-US") for _ in range(3)]
    for file in files:
        engine.set_background(file)
        engine.push(file, audio)
        engine.flush(file, 7, last=True)
    rows = drained(engine)
    assert max(steps) == longest
    for file in files:
        found = [(row.samples, row.tokens, row.frames, row.mark, row.ended) for row in rows if row.lease == file]
        assert found == expected


def test_a_change_of_settings_takes_effect_at_the_same_chunk() -> None:
    audio = np.concatenate([tones.utterance(seed, 12)[0] for seed in range(8)])
    found = []
    for behind in (False, True):
        engine = new_engine()
        lease = engine.open(LONGEST, "en-US")
        if behind:
            engine.set_background(lease)
        engine.push(lease, audio[:200_000])
        engine.change(lease, latency_ms=80)
        engine.push(lease, audio[200_000:])
        engine.flush(lease, 1, last=True)
        found.append([(row.samples, row.tokens, row.frames) for row in drained(engine)])
    assert found[0] == found[1]


def test_live_rows_go_first_and_rows_behind_go_one_at_a_time() -> None:
    batcher = Batcher(0.08, {1: 64, 14: 9}, slots=8)
    yes, no = np.array([True]), np.array([False])
    for slot, frames in ((1, 14), (2, 14), (3, 1)):
        batcher.add_stream(slot, frames)
    for slot in (1, 2):
        batcher.set_background(slot)
        batcher.add_rows(np.array([slot]), np.array([14]), yes, now=0.0)
    batcher.add_rows(np.array([3]), np.array([1]), no, now=5.0)
    assert [batcher.pick().tolist() for _ in range(3)] == [[3], [1], [2]]
    batcher.remove_stream(3)
    for slot in (1, 2):
        batcher.add_rows(np.array([slot]), np.array([14]), no, now=6.0)
    assert sorted(batcher.pick().tolist()) == [1, 2]
    batcher.add_stream(1, 14)  # the next stream in that slot is live
    batcher.add_rows(np.array([1, 2]), np.array([14, 14]), np.array([False, False]), now=7.0)
    assert batcher.pick().tolist() == [1]


@pytest.mark.parametrize("beside_a_live_one", [False, True])
def test_a_file_under_way_goes_on_when_another_one_comes(beside_a_live_one: bool) -> None:
    engine, audio = new_engine(), np.zeros(16_000 * 240, np.int16)

    def come() -> Lease:
        file = engine.open(LONGEST, "en-US")
        engine.set_background(file)
        engine.push(file, audio)
        return file

    files = [come(), come()]
    for _ in range(8):
        engine.step()
    if beside_a_live_one:
        engine.open(80, "en-US")
    files.append(come())
    chunks = [0, 0, 0]
    for _ in range(18):
        for row in engine.step().rows():
            chunks[files.index(row.lease)] += 1
    assert min(chunks) >= 6, "a file waits for one that came later"
    assert max(chunks) - min(chunks) <= 4
