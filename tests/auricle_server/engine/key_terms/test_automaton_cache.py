"""Automata shared, counted and given up."""

from __future__ import annotations

from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import NO_TERMS, AutomatonCache, TableSpan
from auricle_server.engine.key_terms.span_allocator import SpanAllocator

PIECES = ("<unk>", "▁", *"abcdefghijklmnopqrstuvwxyzABC")
STATES, ARCS = 40, 200


class Shelf:
    """A library and what it wrote where."""

    def __init__(self, states: int = STATES, arcs: int = ARCS) -> None:
        self.loaded: list[TableSpan] = []
        self.library = AutomatonCache(PIECES, states, arcs, self._load)

    def _load(self, room: TableSpan, automaton: Automaton) -> None:
        self.loaded.append(room)

    def learn(self) -> list[int]:
        done = []
        while self.library.busy:
            done += self.library.work(1.0)
        return done


def test_no_phrases_need_no_automaton() -> None:
    shelf = Shelf()
    assert shelf.library.take(()) == NO_TERMS
    assert not shelf.library.busy
    shelf.library.release(NO_TERMS)
    assert shelf.library.roots == {NO_TERMS: NO_TERMS}


def test_the_same_phrases_are_made_once_and_kept_for_the_next() -> None:
    shelf = Shelf()
    first, second = shelf.library.take(("abc",)), shelf.library.take(("abc",))
    assert first == second
    assert first not in shelf.library.roots
    assert shelf.learn() == [first]
    shelf.library.release(first)
    shelf.library.release(first)
    assert shelf.library.take(("abc",)) == first
    assert not shelf.library.busy
    assert len(shelf.loaded) == 1
    assert shelf.library.roots[first] == shelf.loaded[0].state > 0


def test_work_stops_when_its_time_is_over_and_goes_on_later() -> None:
    shelf = Shelf(1 << 16, 1 << 20)
    handle = shelf.library.take(tuple(f"{a}{b}{c}" for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuvwx"))
    rounds = 1
    while not shelf.library.work(0.0005):
        rounds += 1
    assert rounds > 2
    assert handle in shelf.library.roots


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    shelf = Shelf()
    first, second = shelf.library.take(("abc",)), shelf.library.take(("bca",))
    shelf.library.work(0.0)
    shelf.library.release(first)
    assert shelf.learn() == [second]


def test_what_is_idle_goes_when_another_needs_its_room() -> None:
    shelf = Shelf()
    room = shelf.library.room
    handles = [shelf.library.take((name,)) for name in ("abcabc", "bcabca", "cabcab")]
    shelf.learn()
    assert [shelf.library.roots[handle] > 0 for handle in handles] == [True, True, False]
    for handle in handles:
        shelf.library.release(handle)
    again = shelf.library.take(("cabcab",))
    assert shelf.learn() == [again]
    assert shelf.library.roots[again] > 0
    assert handles[0] not in shelf.library.roots, "the longest unused went first"
    assert handles[1] in shelf.library.roots
    shelf.library.release(again)
    everything = shelf.library.take(("abcabcabcabcabcab",))
    shelf.learn()
    shelf.library.release(everything)
    assert shelf.library.room[0] + shelf.library._entries[everything].states == room[0]


def test_regions_balance() -> None:
    regions = SpanAllocator(1, 11)
    first, second, third = regions.take(3), regions.take(4), regions.take(3)
    assert (first, second, third, regions.take(1), regions.free) == (1, 4, 8, None, 0)
    regions.give_back(4, 4)
    assert (regions.take(5), regions.take(4)) == (None, 4)
    for begin, size in ((8, 3), (1, 3), (4, 4)):
        regions.give_back(begin, size)
    assert (regions.free, regions.take(10)) == (10, 1)
    regions.give_back(7, 0)
    assert regions.take(0) is None or regions.free == 0
