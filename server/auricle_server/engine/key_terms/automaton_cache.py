"""The automata of all streams: made a little at a time, shared by streams with the same phrases, kept for the next.

No tensors; the clock only says when it has worked long enough.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from auricle_server.engine.key_terms.automaton import DEFAULT_BONUS, Automaton, Bonus, Vocabulary, build_in_steps
from auricle_server.engine.key_terms.span_allocator import SpanAllocator
from auricle_server.text.key_terms import alphabet, spellings

NO_TERMS = 0
"""Handle, and root, of streams without key terms."""


@dataclass(frozen=True, slots=True)
class TableSpan:
    """Where an automaton lies in the tables: its first state and its first arc."""

    state: int
    arc: int


Load = Callable[[TableSpan, Automaton], None]
"""Writes an automaton into the tables."""


@dataclass(slots=True)
class _Entry:
    phrases: tuple[str, ...]
    users: int = 0
    room: TableSpan | None = None
    states: int = 0
    arcs: int = 0


class AutomatonCache:
    """Automata by their phrases. A handle stands for one, and is counted: `take` and `release` come in pairs.

    Args:
        pieces: Token strings by id.
        states: Size of the tables, of which state 0 belongs to streams without key terms.
        arcs: Likewise.
        load: Writes into the tables.
        bonus: What the arcs add.

    Attributes:
        roots: The root state of each handle that is ready; `NO_TERMS` for one that found no room.
    """

    def __init__(
        self, pieces: tuple[str, ...], states: int, arcs: int, load: Load, bonus: Bonus = DEFAULT_BONUS
    ) -> None:
        self.roots: dict[int, int] = {NO_TERMS: NO_TERMS}
        self._letters = alphabet(pieces)
        self._vocabulary = Vocabulary(pieces)
        self._load = load
        self._bonus = bonus
        self._states, self._arcs = SpanAllocator(1, states), SpanAllocator(0, arcs)
        self._entries: dict[int, _Entry] = {}
        self._handles: dict[tuple[str, ...], int] = {}
        self._idle: dict[int, None] = {}
        """Handles that nobody uses, the longest unused first."""
        self._next = NO_TERMS + 1
        self._waiting: deque[int] = deque()
        self._work: Generator[None, None, Automaton] | None = None

    @property
    def busy(self) -> bool:
        """Whether automata wait to be made."""
        return bool(self._waiting)

    @property
    def room(self) -> tuple[int, int]:
        """States and arcs that are free."""
        return self._states.free, self._arcs.free

    def take(self, phrases: tuple[str, ...]) -> int:
        """The handle of the automaton of these phrases, which is ready once it is among `roots`."""
        if not phrases:
            return NO_TERMS
        handle = self._handles.get(phrases)
        if handle is None:
            handle, self._next = self._next, self._next + 1
            self._handles[phrases], self._entries[handle] = handle, _Entry(phrases)
            self._waiting.append(handle)
        self._idle.pop(handle, None)
        self._entries[handle].users += 1
        return handle

    def release(self, handle: int) -> None:
        """One user less."""
        if handle == NO_TERMS:
            return
        entry = self._entries[handle]
        entry.users -= 1
        if entry.users:
            return
        if entry.room is None:
            self._forget(handle)  # not made yet, or without room: nothing to keep
        else:
            self._idle[handle] = None

    def work(self, seconds: float) -> list[int]:
        """Makes automata for about so long. Returns the handles that are ready now.

        Only to be called while no batch is on its way that may use what was released: its room is used again.
        """
        until, done = time.perf_counter() + seconds, []
        while self._waiting and time.perf_counter() < until:
            automaton = self._advance(until)
            if automaton is not None:
                handle = self._waiting.popleft()
                self._work = None
                self._place(handle, automaton)
                done.append(handle)
        return done

    def _advance(self, until: float) -> Automaton | None:
        if self._work is None:
            self._work = self._steps(self._entries[self._waiting[0]].phrases)
        try:
            while time.perf_counter() < until:
                next(self._work)
        except StopIteration as done:
            automaton: Automaton = done.value
            return automaton
        return None

    def _steps(self, phrases: tuple[str, ...]) -> Generator[None, None, Automaton]:
        texts: list[str] = []
        for phrase in phrases:
            texts += spellings(phrase, self._letters)
            yield
        return (yield from build_in_steps(texts, self._vocabulary, self._bonus))

    def _place(self, handle: int, automaton: Automaton) -> None:
        entry = self._entries[handle]
        entry.states, entry.arcs = automaton.states, len(automaton.tokens)
        entry.room = self._find_room(entry.states, entry.arcs)
        if entry.room is None:
            self.roots[handle] = NO_TERMS
            return
        self._load(entry.room, automaton)
        self.roots[handle] = entry.room.state

    def _find_room(self, states: int, arcs: int) -> TableSpan | None:
        """A place in the tables, for which automata that nobody uses may have to go."""
        while True:
            state, arc = self._states.take(states), self._arcs.take(arcs)
            if state is not None and arc is not None:
                return TableSpan(state, arc)
            if state is not None:
                self._states.give_back(state, states)
            if arc is not None:
                self._arcs.give_back(arc, arcs)
            if not self._idle:
                return None
            self._forget(next(iter(self._idle)))

    def _forget(self, handle: int) -> None:
        entry = self._entries.pop(handle)
        del self._handles[entry.phrases]
        self._idle.pop(handle, None)
        self.roots.pop(handle, None)
        if handle in self._waiting:
            self._work = None if self._waiting[0] == handle else self._work
            self._waiting.remove(handle)
        if entry.room is not None:
            self._states.give_back(entry.room.state, entry.states)
            self._arcs.give_back(entry.room.arc, entry.arcs)
