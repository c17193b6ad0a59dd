"""Key terms through the engine: who has none notices nothing, and what a stream says depends on its own alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.clips import load_clips
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine, Lease
from auricle_server.engine.build import Hardware
from auricle_server.engine.key_terms.automaton_cache import NO_TERMS

TERMS = ("receive", "side", "Nightingale", "Rose Bellini")
OTHERS = ("Sixtus", "Halford", "Peterborough")
LATENCY_MS = 160
"""At which the demo model hears "received the lid" for what is said."""
SAID = "Remind me to receive the side"


@pytest.fixture(scope="module")
def audio() -> npt.NDArray[np.int16]:
    """Two sentences; the second begins with `SAID`."""
    return load_clips()[4].pcm[: 5 * 16_000]


@dataclass
class Said:
    """A stream, and what came of it."""

    lease: Lease
    tokens: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    at_mark: dict[int, list[int]] = field(default_factory=dict)


class Room:
    """An engine and its streams."""

    def __init__(self, slots: int = 8, *, static: bool = False) -> None:
        self.engine = Engine(load_checkpoint("demo"), slots=slots, hardware=Hardware("cpu", static=static), threads=1)
        self.said: dict[Lease, Said] = {}

    def open(self, terms: tuple[str, ...] = (), latency_ms: int = LATENCY_MS) -> Said:
        lease = self.engine.open(latency_ms, "en-US", terms)
        self.said[lease] = Said(lease)
        return self.said[lease]

    def run(self) -> None:
        while self.engine.ready:
            self.step()

    def step(self) -> None:
        for row in self.engine.step().rows():
            said = self.said[row.lease]
            if row.mark is not None:
                said.at_mark[row.mark] = [*row.tokens]
            if row.mark is None or row.ended:  # what a flush brings comes again
                said.tokens += row.tokens
                said.frames += row.frames

    def say(self, audio: npt.NDArray[np.int16], terms: tuple[str, ...] = ()) -> Said:
        """A stream from beginning to end."""
        said = self.open(terms)
        self.engine.push(said.lease, audio)
        self.engine.flush(said.lease, 0, last=True)
        self.run()
        return said

    def text(self, said: Said) -> str:
        return "".join(self.engine.info.pieces[token] for token in said.tokens).replace("\u2581", " ").strip()


@pytest.fixture(params=[False, True], ids=["eager", "static"])
def room(request: pytest.FixtureRequest) -> Room:
    return Room(static=request.param)


def test_a_favoured_word_is_heard(room: Room, audio: npt.NDArray[np.int16]) -> None:
    assert SAID not in room.text(room.say(audio))
    assert SAID in room.text(room.say(audio, TERMS))
    assert SAID not in room.text(room.say(audio))


def test_streams_without_terms_say_the_same_beside_streams_that_have_some(
    room: Room, audio: npt.NDArray[np.int16]
) -> None:
    alone = {terms: room.say(audio, terms) for terms in ((), TERMS, OTHERS)}
    assert alone[()].tokens != alone[TERMS].tokens
    together = [(terms, room.open(terms)) for terms in ((), TERMS, (), OTHERS, TERMS, ())]
    for at in range(0, len(audio), 5000):
        for _, said in together:
            room.engine.push(said.lease, audio[at : at + 5000])
        room.step()
    for _, said in together:
        room.engine.flush(said.lease, 0, last=True)
    room.run()
    for terms, said in together:
        assert (said.tokens, said.frames) == (alone[terms].tokens, alone[terms].frames)


def test_confidence_is_the_models_own_without_the_bonus(audio: npt.NDArray[np.int16]) -> None:
    room = Room()
    lease = room.engine.open(LATENCY_MS, "en-US", TERMS)
    room.engine.push(lease, audio)
    room.engine.flush(lease, 0, last=True)
    rows = []
    while room.engine.ready:
        rows += room.engine.step().rows()
    tokens = [token for row in rows for token in row.tokens]
    probabilities = np.array([value for row in rows for value in row.probabilities])
    assert len(tokens) == len(probabilities)
    assert (probabilities <= 1).all()
    assert probabilities.min() < 0.2, "what the terms chose was not the model's first choice"


@pytest.mark.parametrize("cut", [3.3, 3.8, 4.3, 4.6])
def test_a_flush_in_mid_phrase_changes_nothing(room: Room, audio: npt.NDArray[np.int16], cut: float) -> None:
    alone = room.say(audio, TERMS)
    said = room.open(TERMS)
    room.engine.push(said.lease, audio[: round(cut * 16_000)])
    room.engine.flush(said.lease, 1)
    room.run()
    assert 1 in said.at_mark
    room.engine.push(said.lease, audio[round(cut * 16_000) :])
    room.engine.flush(said.lease, 0, last=True)
    room.run()
    assert (said.tokens, said.frames) == (alone.tokens, alone.frames)


def test_terms_change_at_the_same_chunk_however_late_the_engine_learns_them(
    room: Room, audio: npt.NDArray[np.int16]
) -> None:
    """The audio may all be there before the terms are known, or come step by step."""
    cut = 2 * 16_000
    swift, slow = room.open(), room.open()
    room.engine.push(swift.lease, audio[:cut])
    room.engine.change(swift.lease, keyterms=TERMS)
    room.engine.push(swift.lease, audio[cut:])
    room.engine.flush(swift.lease, 0, last=True)
    room.run()
    for at in range(0, cut, 1600):
        room.engine.push(slow.lease, audio[at : at + 1600])
        room.run()
    room.engine.change(slow.lease, keyterms=TERMS)
    for at in range(cut, len(audio), 1600):
        room.engine.push(slow.lease, audio[at : at + 1600])
        room.run()
    room.engine.flush(slow.lease, 0, last=True)
    room.run()
    assert (swift.tokens, swift.frames) == (slow.tokens, slow.frames)
    assert SAID in room.text(slow)


def test_terms_that_are_taken_away_are_gone(room: Room, audio: npt.NDArray[np.int16]) -> None:
    plain, said = room.say(audio), room.open(TERMS)
    for terms in ((), OTHERS, TERMS, TERMS, ()):
        room.engine.change(said.lease, keyterms=terms)
        room.run()
    room.engine.push(said.lease, audio)
    room.engine.flush(said.lease, 0, last=True)
    room.run()
    assert (said.tokens, said.frames) == (plain.tokens, plain.frames)


def test_a_slot_forgets_its_tenants_terms(audio: npt.NDArray[np.int16]) -> None:
    room = Room(slots=1)
    plain, favoured = room.say(audio), room.say(audio, TERMS)
    for _ in range(3):
        begun = room.open(TERMS)
        room.engine.push(begun.lease, audio[: round(4.2 * 16_000)])
        room.run()
        room.engine.close(begun.lease)
        assert room.say(audio).tokens == plain.tokens
        assert room.say(audio, TERMS).tokens == favoured.tokens


def test_automata_are_held_as_long_as_streams_need_them(audio: npt.NDArray[np.int16]) -> None:
    room = Room()
    library = room.engine._automata
    said = room.open(TERMS)
    changes: tuple[tuple[str, ...], ...] = (OTHERS, TERMS, TERMS, OTHERS, (), OTHERS)
    for terms in changes:
        room.engine.push(said.lease, audio[:5000])
        room.engine.change(said.lease, keyterms=terms)
    room.engine.push(said.lease, audio[:5000])
    room.run()
    users: dict[tuple[str, ...], int] = {entry.phrases: entry.users for entry in library._entries.values()}
    assert users == {TERMS: 0, OTHERS: 1}
    queued = room.open()
    room.engine.push(queued.lease, audio[:700])
    lists: tuple[tuple[str, ...], ...] = (TERMS, OTHERS, ("Qwerty",))
    for phrases in lists:
        room.engine.change(queued.lease, keyterms=phrases)
        room.engine.push(queued.lease, audio[:30_000])
    for each in (said, queued):
        room.engine.close(each.lease)
    room.run()
    assert all(entry.users == 0 for entry in library._entries.values())
    assert NO_TERMS not in library._entries


def test_other_streams_go_on_while_terms_are_learned(audio: npt.NDArray[np.int16]) -> None:
    room = Room()
    other, said = room.open(), room.open(tuple(f"Name{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"))
    for each in (other, said):
        room.engine.push(each.lease, audio)
    room.engine.step()
    assert room.engine._automata.busy
    before = len(room.engine._inputs.ready(np.array([said.lease.slot])).frames.nonzero()[0])
    assert before == 0, "the stream waits for its terms"
    while room.engine._automata.busy:
        for row in room.engine.step().rows():
            assert row.lease == other.lease
    room.run()
    assert room.engine.buffered_seconds(said.lease) < 0.4
