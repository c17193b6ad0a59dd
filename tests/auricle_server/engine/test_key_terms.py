"""Key terms through the engine: who has none notices nothing, and what a stream says depends on its own alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.clips import load_clips
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.key_terms.automaton_cache import NO_TERMS
from tests.support.engine.token_streams import FAVOURED_WORD, LATENCY_MS, TERMS, Recognizer

OTHERS = ("Sixtus", "Halford", "Peterborough")


@pytest.fixture(scope="module")
def audio() -> npt.NDArray[np.int16]:
    """Two sentences; the second begins with `FAVOURED_WORD`."""
    return load_clips()[4].pcm[: 5 * 16_000]


@pytest.fixture(params=[False, True], ids=["eager", "static"])
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    return Recognizer(static=request.param)


def test_a_favoured_word_is_heard(recognizer: Recognizer, audio: npt.NDArray[np.int16]) -> None:
    assert FAVOURED_WORD not in recognizer.text(recognizer.transcribe(audio))
    assert FAVOURED_WORD in recognizer.text(recognizer.transcribe(audio, TERMS))
    assert FAVOURED_WORD not in recognizer.text(recognizer.transcribe(audio))


def test_streams_without_terms_say_the_same_beside_streams_that_have_some(
    recognizer: Recognizer, audio: npt.NDArray[np.int16]
) -> None:
    alone = {terms: recognizer.transcribe(audio, terms) for terms in ((), TERMS, OTHERS)}
    assert alone[()].tokens != alone[TERMS].tokens
    together = [(terms, recognizer.open(terms)) for terms in ((), TERMS, (), OTHERS, TERMS, ())]
    for at in range(0, len(audio), 5000):
        for _, stream in together:
            recognizer.engine.push(stream.lease, audio[at : at + 5000])
        recognizer.step()
    for _, stream in together:
        recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    for terms, stream in together:
        assert (stream.tokens, stream.frames) == (alone[terms].tokens, alone[terms].frames)


def test_confidence_is_the_models_own_without_the_bonus(audio: npt.NDArray[np.int16]) -> None:
    recognizer = Recognizer()
    lease = recognizer.engine.open(LATENCY_MS, "en-US", TERMS)
    recognizer.engine.push(lease, audio)
    recognizer.engine.flush(lease, 0, last=True)
    rows = []
    while recognizer.engine.ready:
        rows += recognizer.engine.step().rows()
    tokens = [token for row in rows for token in row.tokens]
    probabilities = np.array([value for row in rows for value in row.probabilities])
    assert len(tokens) == len(probabilities)
    assert (probabilities <= 1).all()
    assert probabilities.min() < 0.2, "what the terms chose was not the model's first choice"


@pytest.mark.parametrize("cut", [3.3, 3.8, 4.3, 4.6])
def test_a_flush_in_mid_phrase_changes_nothing(
    recognizer: Recognizer, audio: npt.NDArray[np.int16], cut: float
) -> None:
    alone = recognizer.transcribe(audio, TERMS)
    stream = recognizer.open(TERMS)
    recognizer.engine.push(stream.lease, audio[: round(cut * 16_000)])
    recognizer.engine.flush(stream.lease, 1)
    recognizer.run()
    assert 1 in stream.at_mark
    recognizer.engine.push(stream.lease, audio[round(cut * 16_000) :])
    recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    assert (stream.tokens, stream.frames) == (alone.tokens, alone.frames)


def test_terms_change_at_the_same_chunk_however_late_the_engine_learns_them(
    recognizer: Recognizer, audio: npt.NDArray[np.int16]
) -> None:
    """The audio may all be there before the terms are known, or come step by step."""
    cut = 2 * 16_000
    swift, slow = recognizer.open(), recognizer.open()
    recognizer.engine.push(swift.lease, audio[:cut])
    recognizer.engine.change(swift.lease, keyterms=TERMS)
    recognizer.engine.push(swift.lease, audio[cut:])
    recognizer.engine.flush(swift.lease, 0, last=True)
    recognizer.run()
    for at in range(0, cut, 1600):
        recognizer.engine.push(slow.lease, audio[at : at + 1600])
        recognizer.run()
    recognizer.engine.change(slow.lease, keyterms=TERMS)
    for at in range(cut, len(audio), 1600):
        recognizer.engine.push(slow.lease, audio[at : at + 1600])
        recognizer.run()
    recognizer.engine.flush(slow.lease, 0, last=True)
    recognizer.run()
    assert (swift.tokens, swift.frames) == (slow.tokens, slow.frames)
    assert FAVOURED_WORD in recognizer.text(slow)


def test_terms_that_are_taken_away_are_gone(recognizer: Recognizer, audio: npt.NDArray[np.int16]) -> None:
    plain, stream = recognizer.transcribe(audio), recognizer.open(TERMS)
    for terms in ((), OTHERS, TERMS, TERMS, ()):
        recognizer.engine.change(stream.lease, keyterms=terms)
        recognizer.run()
    recognizer.engine.push(stream.lease, audio)
    recognizer.engine.flush(stream.lease, 0, last=True)
    recognizer.run()
    assert (stream.tokens, stream.frames) == (plain.tokens, plain.frames)


def test_a_new_stream_has_no_terms_of_its_slots_last_one(audio: npt.NDArray[np.int16]) -> None:
    recognizer = Recognizer(slots=1)
    plain, favoured = recognizer.transcribe(audio), recognizer.transcribe(audio, TERMS)
    for _ in range(3):
        begun = recognizer.open(TERMS)
        recognizer.engine.push(begun.lease, audio[: round(4.2 * 16_000)])
        recognizer.run()
        recognizer.engine.close(begun.lease)
        assert recognizer.transcribe(audio).tokens == plain.tokens
        assert recognizer.transcribe(audio, TERMS).tokens == favoured.tokens


def test_automata_are_held_as_long_as_streams_need_them(audio: npt.NDArray[np.int16]) -> None:
    recognizer = Recognizer()
    library = recognizer.engine._automata
    stream = recognizer.open(TERMS)
    changes: tuple[tuple[str, ...], ...] = (OTHERS, TERMS, TERMS, OTHERS, (), OTHERS)
    for terms in changes:
        recognizer.engine.push(stream.lease, audio[:5000])
        recognizer.engine.change(stream.lease, keyterms=terms)
    recognizer.engine.push(stream.lease, audio[:5000])
    recognizer.run()
    users: dict[tuple[str, ...], int] = {entry.phrases: entry.users for entry in library._entries.values()}
    assert users == {TERMS: 0, OTHERS: 1}
    queued = recognizer.open()
    recognizer.engine.push(queued.lease, audio[:700])
    lists: tuple[tuple[str, ...], ...] = (TERMS, OTHERS, ("Qwerty",))
    for phrases in lists:
        recognizer.engine.change(queued.lease, keyterms=phrases)
        recognizer.engine.push(queued.lease, audio[:30_000])
    for each in (stream, queued):
        recognizer.engine.close(each.lease)
    recognizer.run()
    assert all(entry.users == 0 for entry in library._entries.values())
    assert NO_TERMS not in library._entries


def test_other_streams_go_on_while_terms_are_learned(audio: npt.NDArray[np.int16]) -> None:
    recognizer = Recognizer()
    other, stream = recognizer.open(), recognizer.open(tuple(f"Name{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"))
    for each in (other, stream):
        recognizer.engine.push(each.lease, audio)
    recognizer.engine.step()
    assert recognizer.engine._automata.busy
    before = len(recognizer.engine._inputs.ready(np.array([stream.lease.slot])).frames.nonzero()[0])
    assert before == 0, "the stream waits for its terms"
    while recognizer.engine._automata.busy:
        for row in recognizer.engine.step().rows():
            assert row.lease == other.lease
    recognizer.run()
    assert recognizer.engine.buffered_seconds(stream.lease) < 0.4


def test_an_engine_spells_by_the_type_of_its_tokenizer() -> None:
    """The published multilingual model has a Unigram one."""
    demo = load_checkpoint("demo")
    longest_last = replace(demo, scores=tuple(-float(len(piece) ** 3) for piece in demo.pieces))
    merged, unigram = (
        Engine(checkpoint, slots=1, device="cpu")._automata._vocabulary.segmented("▁receive")
        for checkpoint in (demo, longest_last)
    )
    assert len(merged) < len(unigram) == len("▁receive")
