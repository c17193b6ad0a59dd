"""Automata shared, counted and given up."""

from __future__ import annotations

import pytest

from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import NO_TERMS, AutomatonCache, TableSpan

PIECES = ("<unk>", "▁", *"abcdefghijklmnopqrstuvwxyzABC")
STATES, ARCS = 40, 200


class Shelf:
    """A library and what it wrote where."""

    def __init__(self, states: int = STATES, arcs: int = ARCS) -> None:
        self.loaded: list[TableSpan] = []
        self.cache = AutomatonCache(PIECES, states, arcs, self._load)

    def _load(self, span: TableSpan, automaton: Automaton) -> None:
        self.loaded.append(span)

    def learn(self) -> list[int]:
        done = []
        while self.cache.busy:
            done += self.cache.work(1.0)
        return done


def test_no_phrases_need_no_automaton() -> None:
    shelf = Shelf()
    assert shelf.cache.take(()) == NO_TERMS
    assert not shelf.cache.busy
    shelf.cache.release(NO_TERMS)
    assert shelf.cache.roots == {NO_TERMS: NO_TERMS}


def test_the_same_phrases_are_made_once_and_kept_for_the_next() -> None:
    shelf = Shelf()
    first, second = shelf.cache.take(("abc",)), shelf.cache.take(("abc",))
    assert first == second
    assert first not in shelf.cache.roots
    assert shelf.learn() == [first]
    shelf.cache.release(first)
    shelf.cache.release(first)
    assert shelf.cache.take(("abc",)) == first
    assert not shelf.cache.busy
    assert len(shelf.loaded) == 1
    assert shelf.cache.roots[first] == shelf.loaded[0].state > 0


def test_work_stops_when_its_time_is_over_and_goes_on_later() -> None:
    shelf = Shelf(1 << 16, 1 << 20)
    handle = shelf.cache.take(tuple(f"{a}{b}{c}" for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuvwx"))
    rounds = 1
    while not shelf.cache.work(0.0005):
        rounds += 1
    assert rounds > 2
    assert handle in shelf.cache.roots


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    shelf = Shelf()
    first, second = shelf.cache.take(("abc",)), shelf.cache.take(("bca",))
    shelf.cache.work(0.0)
    shelf.cache.release(first)
    assert shelf.learn() == [second]


def test_what_is_idle_goes_when_another_needs_its_room() -> None:
    shelf = Shelf()
    free = shelf.cache.free
    handles = [shelf.cache.take((name,)) for name in ("abcabc", "bcabca", "cabcab")]
    shelf.learn()
    assert [shelf.cache.roots[handle] > 0 for handle in handles] == [True, True, False]
    for handle in handles:
        shelf.cache.release(handle)
    again = shelf.cache.take(("cabcab",))
    assert shelf.learn() == [again]
    assert shelf.cache.roots[again] > 0
    assert handles[0] not in shelf.cache.roots, "the longest unused went first"
    assert handles[1] in shelf.cache.roots
    shelf.cache.release(again)
    everything = shelf.cache.take(("abcabcabcabcabcab",))
    shelf.learn()
    shelf.cache.release(everything)
    assert shelf.cache.free[0] + shelf.cache._entries[everything].states == free[0]


@pytest.mark.parametrize(("scores", "favoured"), [(None, "▁a"), ((0.0, -4.0, -4.0, -4.0, -4.0, -1.0), "▁")])
def test_the_tokenizers_own_pieces_get_the_bonus(scores: tuple[float, ...] | None, favoured: str) -> None:
    """By BPE, "▁a" is merged first; by probability, "ab" is worth more than "▁a"."""
    pieces, made = ("<unk>", "▁", "a", "b", "▁a", "ab"), []
    cache = AutomatonCache(pieces, STATES, ARCS, lambda _, automaton: made.append(automaton), scores=scores)
    cache.take(("ab",))
    while cache.busy:
        cache.work(1.0)
    (automaton,) = made
    assert [pieces[token] for token, (bonus, _) in automaton.arcs(0).items() if bonus] == [favoured]
