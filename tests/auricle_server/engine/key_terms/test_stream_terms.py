"""Streams that go on while their key terms are prepared, and what they are told."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.clips import load_clips
from auricle_server.engine import Lease
from auricle_server.engine.key_terms import stream_terms
from auricle_server.engine.types import LeaseEnded
from tests.support.engine.token_streams import FAVOURED_WORD, TERMS, Recognizer


@pytest.fixture(scope="module")
def audio() -> npt.NDArray[np.int16]:
    """Two sentences; the second begins with `FAVOURED_WORD`."""
    return load_clips()[4].pcm[: 5 * 16_000]


@pytest.fixture(params=[False, True], ids=["eager", "static"])
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    return Recognizer(static=request.param)


def outcomes(recognizer: Recognizer) -> list[tuple[Lease, bool]]:
    return [(each.lease, each.in_force) for each in recognizer.engine.terms.outcomes()]


def long_list(seed: int, phrases: int = 1000) -> tuple[str, ...]:
    rng = random.Random(seed)
    return tuple("".join(rng.choices("abcdefghijklmnoprst", k=24)) for _ in range(phrases))


def test_a_stream_goes_on_without_its_new_terms_until_they_are_ready(
    recognizer: Recognizer, audio: npt.NDArray[np.int16]
) -> None:
    """Its finalizes are answered meanwhile, with the words that it hears without them."""
    plain, stream = recognizer.transcribe(audio), recognizer.open()
    for seed, each in enumerate((*(recognizer.open() for _ in range(5)), stream)):
        recognizer.engine.change(each.lease, keyterms=long_list(seed), wait=False)
    recognizer.engine.push(stream.lease, audio)
    recognizer.engine.flush(stream.lease, 1)
    steps = 0
    while 1 not in stream.at_mark:
        recognizer.step()
        steps += 1
    assert recognizer.engine._automata.busy
    assert steps <= len(audio) // 2560 + 3, "one for each chunk, and one for the flush"
    assert plain.tokens[: len(stream.tokens)] == stream.tokens
    assert (stream.lease, True) not in outcomes(recognizer)
    recognizer.run()
    assert (stream.lease, True) in outcomes(recognizer)


def test_terms_that_a_stream_did_not_wait_for_are_in_force_once_it_is_told(
    recognizer: Recognizer, audio: npt.NDArray[np.int16]
) -> None:
    stream = recognizer.open()
    recognizer.engine.push(stream.lease, audio[:8000])
    recognizer.engine.change(stream.lease, keyterms=TERMS, wait=False)
    recognizer.run()
    assert outcomes(recognizer) == [(stream.lease, True)]
    recognizer.engine.push(stream.lease, audio[8000:])
    recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    assert FAVOURED_WORD in recognizer.text(stream)
    again = recognizer.open()
    recognizer.engine.change(again.lease, keyterms=TERMS, wait=False)
    assert outcomes(recognizer) == [(again.lease, True)], "an automaton that is there is in force at once"
    recognizer.engine.change(again.lease, keyterms=(), wait=False)
    assert outcomes(recognizer) == [(again.lease, True)]


def test_a_short_list_is_in_force_for_all_audio_that_follows(
    recognizer: Recognizer, audio: npt.NDArray[np.int16]
) -> None:
    stream = recognizer.open()
    recognizer.engine.change(stream.lease, keyterms=TERMS, wait=False)
    assert outcomes(recognizer) == [(stream.lease, True)]
    recognizer.engine.push(stream.lease, audio)
    recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    assert FAVOURED_WORD in recognizer.text(stream)


def test_short_lists_without_end_are_not_built_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step must not wait for them: 50 ms at once, and a fifth of the time in the long run."""
    recognizer = Recognizer()
    stream = recognizer.open()
    monkeypatch.setattr(stream_terms, "_SHARE", 0.0)  # however long this takes, no credit is earned meanwhile
    at_once = 0
    for number in range(200):
        recognizer.engine.change(stream.lease, keyterms=(f"Brookfield {number}", "Nightingale"), wait=False)
        at_once += len(outcomes(recognizer))
    assert 0 < at_once < 150
    recognizer.run()


def test_a_newer_list_replaces_one_that_is_not_built_yet() -> None:
    recognizer = Recognizer()
    stream = recognizer.open()
    for seed in range(50):
        recognizer.engine.change(stream.lease, keyterms=long_list(seed), wait=False)
    recognizer.engine.terms._credit = 0.0
    recognizer.engine.terms._credited_at += 1e6
    recognizer.engine.change(stream.lease, keyterms=TERMS, wait=False)
    entries = recognizer.engine._automata._entries.values()
    assert [entry.phrases for entry in entries] == [TERMS]
    recognizer.run()
    assert outcomes(recognizer) == [(stream.lease, True)]
    recognizer.engine.change(stream.lease, keyterms=long_list(1), wait=False)
    recognizer.engine.change(stream.lease, keyterms=TERMS, wait=False)
    assert not recognizer.engine._automata.busy
    recognizer.engine.change(stream.lease, keyterms=long_list(1), wait=False)
    recognizer.engine.close(stream.lease)
    assert not recognizer.engine._automata.busy, "a stream that has gone needs none"
    assert sum(entry.users for entry in recognizer.engine._automata._entries.values()) == 0


def test_one_with_long_lists_does_not_keep_another_from_its_terms_or_its_finals(audio: npt.NDArray[np.int16]) -> None:
    recognizer = Recognizer()
    greedy, modest = [recognizer.open() for _ in range(4)], recognizer.open()
    for seed, each in enumerate(greedy):
        recognizer.engine.change(each.lease, keyterms=long_list(seed), wait=False)
    recognizer.engine.change(modest.lease, keyterms=TERMS, wait=False)
    told: list[tuple[Lease, bool]] = []
    while (modest.lease, True) not in told:
        recognizer.step()
        told += outcomes(recognizer)
    assert recognizer.engine._automata.busy
    assert [lease for lease, _ in told] == [modest.lease]
    recognizer.engine.push(modest.lease, audio)
    recognizer.engine.flush(modest.lease, 0, last=True)
    while 0 not in modest.at_mark:
        recognizer.step()
    assert FAVOURED_WORD in recognizer.text(modest)


def test_a_change_after_the_last_flush_is_refused_and_leaves_nothing() -> None:
    """What was taken for it would never have been released."""
    recognizer = Recognizer()
    stream = recognizer.open()
    recognizer.engine.push(stream.lease, np.zeros(16_000, np.int16))
    recognizer.engine.flush(stream.lease, 1, last=True)
    for wait in (True, False):
        with pytest.raises(LeaseEnded):
            recognizer.engine.change(stream.lease, keyterms=TERMS, wait=wait)
    assert not recognizer.engine._automata._entries
    recognizer.run()
    assert 1 in stream.at_mark


def test_terms_that_a_stream_that_ends_did_not_wait_for_are_dropped() -> None:
    recognizer = Recognizer()
    stream = recognizer.open()
    recognizer.engine.push(stream.lease, np.zeros(16_000, np.int16))
    recognizer.engine.change(stream.lease, keyterms=long_list(1), wait=False)
    recognizer.engine.flush(stream.lease, 1, last=True)
    assert not recognizer.engine._automata.busy
    recognizer.run()
    assert 1 in stream.at_mark
    assert outcomes(recognizer) == []


def test_a_list_that_cannot_be_built_is_refused_and_no_step_fails(
    monkeypatch: pytest.MonkeyPatch, audio: npt.NDArray[np.int16], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no memory for the table")

    recognizer = Recognizer()
    plain, stream = recognizer.transcribe(audio), recognizer.open()
    with monkeypatch.context() as patch:
        patch.setattr("auricle_server.engine.key_terms.automaton.TextTable", fail)
        recognizer.engine.change(stream.lease, keyterms=TERMS, wait=False)
        recognizer.run()
    assert outcomes(recognizer) == [(stream.lease, False)]
    assert "could not be prepared phrases=4" in caplog.text
    recognizer.engine.push(stream.lease, audio)
    recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    assert stream.tokens == plain.tokens
    assert recognizer.text(recognizer.transcribe(audio, TERMS)) != recognizer.text(plain), "the next try may succeed"


def test_terms_for_which_there_is_no_room_are_refused_and_the_old_ones_stay(audio: npt.NDArray[np.int16]) -> None:
    recognizer = Recognizer()
    recognizer.engine._automata._most = 10_000, 100_000
    stream = recognizer.open(TERMS)
    recognizer.run()
    assert outcomes(recognizer) == [(stream.lease, True)]
    recognizer.engine.change(stream.lease, keyterms=long_list(1), wait=False)
    recognizer.run()
    assert outcomes(recognizer) == [(stream.lease, False)]
    recognizer.engine.push(stream.lease, audio)
    recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    assert FAVOURED_WORD in recognizer.text(stream)
