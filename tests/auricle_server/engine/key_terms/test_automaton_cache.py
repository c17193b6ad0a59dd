"""Automata shared, counted and given up."""

from __future__ import annotations

import inspect
import random

import pytest

from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import MOST_LONG, NO_TERMS, AutomatonCache, TableSpan

PIECES = ("<unk>", "▁", *"abcdefghijklmnopqrstuvwxyzABC")
STATES, ARCS = 40, 200


class Shelf:
    """A library and what it wrote where."""

    def __init__(self, states: int = STATES, arcs: int = ARCS, share: float = 1.0, kept: float = 1.0) -> None:
        self.loaded: list[TableSpan] = []
        self.cache = AutomatonCache(PIECES, states, arcs, self._load, share=share, kept=kept)

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


def phrases(seed: int, count: int) -> tuple[str, ...]:
    rng = random.Random(seed)
    return tuple("".join(rng.choices("abcdefgh", k=20)) for _ in range(count))


def test_a_short_list_does_not_wait_for_the_long_ones_before_it() -> None:
    shelf = Shelf(1 << 20, 1 << 22)
    long_lists = [shelf.cache.take(phrases(seed, 1000)) for seed in range(8)]
    short = shelf.cache.take(("abc", "bca"))
    turns, done = 0, []
    while short not in done:
        done += shelf.cache.work(0.001)
        turns += 1
    assert not set(done).intersection(long_lists)
    assert turns < 1000  # a few for each list that has its turn; a busy machine may cut turns short
    assert set(shelf.learn()) == set(long_lists)


def test_long_lists_are_made_in_turns() -> None:
    shelf = Shelf(1 << 20, 1 << 22)
    handles = [shelf.cache.take(phrases(seed, 1000)) for seed in range(2)]
    for _ in handles:
        assert shelf.cache.work(0.001) == []
    begun = [inspect.getgeneratorstate(shelf.cache._work[handle]) for handle in handles]
    assert begun == [inspect.GEN_SUSPENDED] * 2, "the second did not wait for the first"
    assert set(shelf.learn()) == set(handles)


def test_of_many_long_lists_few_are_built_at_once_and_each_has_its_turn() -> None:
    """Each takes some 50 MB while it is built."""
    shelf = Shelf(1 << 20, 1 << 22)
    handles = [shelf.cache.take(phrases(seed, 400)) for seed in range(10)]
    shelf.cache.work(0.0)
    assert len(shelf.cache._work) == MOST_LONG
    shelf.cache.release(handles[0])
    assert list(shelf.cache._work) == handles[1 : MOST_LONG + 1], "the next one begins in place of one that is given up"
    shelf.cache.release(handles[9])
    done: list[int] = []
    while shelf.cache.busy:
        assert len(shelf.cache._work) <= MOST_LONG
        done += shelf.cache.work(0.001)
    assert sorted(done) == handles[1:9]
    assert not shelf.cache._work
    assert not shelf.cache._long


def test_a_list_that_takes_more_than_its_share_of_the_tables_is_refused() -> None:
    shelf = Shelf(1 << 12, 1 << 14, share=0.25)
    large, small = shelf.cache.take(phrases(1, 200)), shelf.cache.take(phrases(2, 20))
    shelf.learn()
    assert shelf.cache.roots[large] == NO_TERMS < shelf.cache.roots[small]
    shelf.cache.release(large)
    assert large not in shelf.cache.roots


def test_lists_without_users_are_kept_up_to_a_bound() -> None:
    shelf = Shelf(1 << 12, 1 << 14, kept=0.01)
    free = shelf.cache.free
    handles = [shelf.cache.take(phrases(seed, 3)) for seed in range(6)]
    assert set(shelf.learn()) == set(handles)
    for handle in handles:
        shelf.cache.release(handle)
    assert 0 < free[1] - shelf.cache.free[1] <= (1 << 14) * 0.01
    assert handles[-1] in shelf.cache.roots
    assert handles[0] not in shelf.cache.roots, "the longest unused went first"
    assert shelf.cache.take(phrases(5, 3)) == handles[-1]
    assert not shelf.cache.busy


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    shelf = Shelf()
    first, second = shelf.cache.take(("abc",)), shelf.cache.take(("bca",))
    shelf.cache.work(0.0)
    shelf.cache.release(first)
    assert shelf.learn() == [second]


def test_what_is_idle_goes_when_another_needs_its_room() -> None:
    shelf = Shelf()
    free = shelf.cache.free
    handles = []
    for name in ("abcabc", "bcabca", "cabcab"):
        handles.append(shelf.cache.take((name,)))
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
