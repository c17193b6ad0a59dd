"""Flushes of the engine on the two-tone checkpoint: every word at once, none twice, and no trace in later results."""

from __future__ import annotations

import random

import numpy as np
import pytest

from auricle_server.engine import Engine, RowResult
from auricle_server.stream.transcript import Transcript
from tests.auricle_server.engine.test_engine import LATENCIES, drain
from tests.support import tones
from tests.support.feeding import Feeder


def listen(engine: Engine, transcript: Transcript, results: list[RowResult]) -> str:
    """Feeds a transcript; the text of its open segment, which ends."""
    samples = round(engine.info.frame_seconds * 16_000)
    for result in results:
        flushed_at = None if result.mark is None else result.samples // samples
        transcript.add(result.tokens, result.frames, result.probabilities, flushed_at)
    return transcript.cut().text


def test_finalize_brings_every_word_at_once_and_none_twice(engine: Engine) -> None:
    for latency_ms in LATENCIES:
        for seed in range(6):
            audio, text = tones.utterance(seed, 10)
            cut = random.Random(seed).randrange(len(audio))
            lease, transcript = engine.open(latency_ms, "en-US"), Transcript(engine.info.pieces, 1280)
            engine.push(lease, audio[:cut])
            engine.flush(lease, 1)
            first = drain(engine)
            answer = next(result for result in first if result.mark == 1)
            assert (answer.samples, answer.ended) == (cut, False)
            assert all(frame <= cut // 1280 + 1 for frame in answer.frames)
            engine.push(lease, audio[cut:])
            engine.flush(lease, 2, last=True)
            said = listen(engine, transcript, first) + " " + listen(engine, transcript, drain(engine))
            assert len(said.split()) == pytest.approx(len(text.split()), abs=1)


def test_finalizes_change_nothing_of_what_comes_later(engine: Engine) -> None:
    rng = random.Random(4)
    for latency_ms in LATENCIES:
        audio, _ = tones.utterance(17, 12)
        plain = Feeder(engine, seed=1).run({0: audio}, latency_ms, "en-US", 1)[0]
        lease, done, results = engine.open(latency_ms, "en-US"), 0, list[RowResult]()
        for mark, cut in enumerate(sorted(rng.sample(range(len(audio)), 9))):
            engine.push(lease, audio[done:cut])
            engine.flush(lease, mark)
            results += drain(engine)
            done = cut
        engine.push(lease, audio[done:])
        engine.flush(lease, 99, last=True)
        kept = [result for result in results + drain(engine) if result.mark in {None, 99}]
        assert [token for result in kept for token in result.tokens] == plain.tokens
        assert [frame for result in kept for frame in result.frames] == plain.frames


def test_finalize_in_a_pause_changes_no_word(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    for latency_ms in LATENCIES:
        parts, spans, at = [tones.silence(0.3)], [], 4800
        for index in rng.integers(0, 16, 8):
            piece = tones.word(int(index), 0.24)
            parts += [piece, tones.silence(0.8)]
            spans.append((int(index), at + len(piece) + 9600))
            at += len(piece) + 12800
        audio = np.round(np.concatenate(parts) * 32767).astype(np.int16)
        lease, done, transcript = engine.open(latency_ms, "en-US"), 0, Transcript(engine.info.pieces, 1280)
        for mark, (index, cut) in enumerate(spans):
            engine.push(lease, audio[done:cut])
            engine.flush(lease, mark)
            results, done = drain(engine), cut
            assert mark in [result.mark for result in results]
            assert listen(engine, transcript, results) == tones.WORDS[index]
        engine.close(lease)


def test_the_last_flush_takes_no_earlier_answer_with_it(engine: Engine) -> None:
    lease = engine.open(80, "en-US")
    engine.push(lease, tones.utterance(3, 2)[0])
    engine.flush(lease, 1)
    engine.flush(lease, 2)
    engine.flush(lease, 3, last=True)
    assert [(result.mark, result.ended) for result in drain(engine) if result.mark is not None] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert engine.slots_used == 0
