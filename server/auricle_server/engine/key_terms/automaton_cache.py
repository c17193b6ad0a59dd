"""The automata of all streams: built in turns, shared by streams with the same phrases, kept for later ones.

No tensors; the clock only bounds how long it works.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from auricle_server.engine.key_terms.automaton import (
    DEFAULT_BONUS,
    Automaton,
    Bonus,
    build_automaton_in_steps,
)
from auricle_server.engine.key_terms.automaton_builder import TooManyArcs
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.engine.key_terms.span_allocator import SpanAllocator
from auricle_server.text.key_terms import alphabet, spellings

log = logging.getLogger(__name__)

NO_TERMS = 0
"""Handle, and root, of streams without key terms."""
TURN_SECONDS = 0.001
"""How long an automaton is worked on before the next one has its turn."""
LONG = 4096
"""Characters of a long list. Short ones are begun at once."""
MOST_LONG = 3
"""Long lists that are worked on in turns; others wait until one is ready. Each takes up to 75 MB while it is built."""
SHARE = 1 / 8
"""Of the tables: what one list may take at most, and so may all lists that no stream uses."""
_PHRASES = 64
"""Phrases whose spellings are listed together; they take about half a millisecond."""


@dataclass(frozen=True, slots=True)
class TableSpan:
    """Where an automaton is in the tables: its first state and its first arc."""

    state: int
    arc: int


Load = Callable[[TableSpan, Automaton], None]
"""Writes an automaton into the tables."""


@dataclass(slots=True)
class _CachedAutomaton:
    phrases: tuple[str, ...]
    users: int = 0
    span: TableSpan | None = None
    states: int = 0
    arcs: int = 0


class AutomatonCache:
    """Automata by their phrases. A handle stands for one and counts its users: each `take` needs a `release`.

    Args:
        pieces: Token strings by id.
        states: States of the tables, of which state 0 belongs to streams without key terms.
        arcs: Arcs of the tables.
        load: Writes into the tables.
        bonus: What the arcs add to a token's score.
        scores: Logarithms of the pieces' probabilities, of a Unigram tokenizer; None for BPE.
        share: Largest share of the tables that one automaton may take.
        kept: Largest share of the tables' arcs that automata without users may take.

    Attributes:
        busy: Whether automata wait to be built; an attribute, because each step asks for it.
        roots: The root state of each handle that is ready; `NO_TERMS` for one that the tables cannot hold.
    """

    def __init__(
        self,
        pieces: tuple[str, ...],
        states: int,
        arcs: int,
        load: Load,
        bonus: Bonus = DEFAULT_BONUS,
        scores: tuple[float, ...] | None = None,
        share: float = SHARE,
        kept: float = SHARE,
    ) -> None:
        self.busy = False
        self.roots: dict[int, int] = {NO_TERMS: NO_TERMS}
        self._letters = alphabet(pieces)
        self._vocabulary = PieceTrie(pieces, scores)
        self._load = load
        self._bonus = bonus
        self._states, self._arcs = SpanAllocator(1, states), SpanAllocator(0, arcs)
        self._entries: dict[int, _CachedAutomaton] = {}
        self._handles: dict[tuple[str, ...], int] = {}
        self._most = int(states * share), int(arcs * share)
        self._most_kept = int(arcs * kept)
        self._idle: dict[int, None] = {}
        """Handles without users, the longest unused first."""
        self._idle_arcs = 0
        self._next = NO_TERMS + 1
        self._turns: deque[int] = deque()
        """Handles whose automata are being built, the one whose turn it is first."""
        self._work: dict[int, Generator[None, None, Automaton]] = {}
        """Their work."""
        self._waiting: deque[int] = deque()
        """Handles of long lists whose automata are not begun."""
        self._long: set[int] = set()
        """Handles of long lists whose automata are being built."""

    @property
    def free(self) -> tuple[int, int]:
        """Free states and arcs."""
        return self._states.free, self._arcs.free

    def take(self, phrases: tuple[str, ...]) -> int:
        """Adds a user of these phrases' automaton, which is ready once `roots` has it. Returns its handle."""
        if not phrases:
            return NO_TERMS
        handle = self._handles.get(phrases)
        if handle is None:
            handle, self._next = self._next, self._next + 1
            self._handles[phrases], self._entries[handle] = handle, _CachedAutomaton(phrases)
            if sum(map(len, phrases)) > LONG:
                self._waiting.append(handle)
                self._begin_long()
            else:
                self._begin(handle)
            self.busy = True
        entry = self._entries[handle]
        if handle in self._idle:
            del self._idle[handle]
            self._idle_arcs -= entry.arcs
        entry.users += 1
        return handle

    def phrases(self, handle: int) -> tuple[str, ...]:
        """The phrases of a handle that has users."""
        return () if handle == NO_TERMS else self._entries[handle].phrases

    def release(self, handle: int) -> None:
        """Removes a user."""
        if handle == NO_TERMS:
            return
        entry = self._entries[handle]
        entry.users -= 1
        if entry.users:
            return
        if entry.span is None:
            self._forget(handle)  # not built yet, or not in the tables: nothing to keep
            return
        self._idle[handle] = None
        self._idle_arcs += entry.arcs
        while self._idle_arcs > self._most_kept:
            self._forget(next(iter(self._idle)))

    def work(self, seconds: float) -> list[int]:
        """Builds automata for about `seconds`. Returns the handles that became ready.

        To be called while no batch is in flight that may use a released automaton, whose table entries are reused.
        """
        until, done = time.perf_counter() + seconds, []
        while self._turns and (now := time.perf_counter()) < until:
            handle = self._turns[0]
            if self._advance(handle, min(until, now + TURN_SECONDS)):
                self._end(handle)
                done.append(handle)
            else:
                self._turns.rotate(-1)
        return done

    def build_now(self, handle: int, seconds: float) -> bool:
        """Works on one automaton alone, for at most so many seconds of the processor; whether it is ready then."""
        until = time.thread_time() + seconds
        while handle in self._work and time.thread_time() < until:
            if self._advance(handle, 0.0):
                self._end(handle)
        return handle in self.roots

    def _begin(self, handle: int) -> None:
        self._turns.append(handle)
        self._work[handle] = self._steps(self._entries[handle].phrases)

    def _begin_long(self) -> None:
        while self._waiting and len(self._long) < MOST_LONG:
            handle = self._waiting.popleft()
            self._long.add(handle)
            self._begin(handle)

    def _end(self, handle: int) -> None:
        """Ends the work on an automaton, which is ready or no longer needed; another long list may begin."""
        self._turns.remove(handle)
        del self._work[handle]
        self._long.discard(handle)
        self._begin_long()
        self.busy = bool(self._turns)

    def _advance(self, handle: int, until: float) -> bool:
        """Works on an automaton; whether it is ready."""
        steps = self._work[handle]
        try:
            next(steps)  # at least one, however slow the machine is
            while time.perf_counter() < until:
                next(steps)
        except StopIteration as done:
            self._place(handle, done.value)
        except TooManyArcs:
            self.roots[handle] = NO_TERMS
        except Exception:
            # A list that fails must not fail the step, which is all streams': it is refused like one that is too large.
            log.exception("key terms could not be prepared phrases=%d", len(self._entries[handle].phrases))
            self.roots[handle] = NO_TERMS
        else:
            return False
        return True

    def _steps(self, phrases: tuple[str, ...]) -> Generator[None, None, Automaton]:
        texts: list[str] = []
        for begin in range(0, len(phrases), _PHRASES):
            for phrase in phrases[begin : begin + _PHRASES]:
                texts += spellings(phrase, self._letters)
            yield
        return (yield from build_automaton_in_steps(texts, self._vocabulary, self._bonus, self._most))

    def _place(self, handle: int, automaton: Automaton) -> None:
        entry = self._entries[handle]
        states, arcs = automaton.states, len(automaton.tokens)
        entry.span = self._allocate(states, arcs)
        if entry.span is None:
            self.roots[handle] = NO_TERMS
            return
        entry.states, entry.arcs = states, arcs
        self._load(entry.span, automaton)
        self.roots[handle] = entry.span.state

    def _allocate(self, states: int, arcs: int) -> TableSpan | None:
        """Allocates entries of the tables, and evicts unused automata for them as needed."""
        while True:
            state, arc = self._states.take(states), self._arcs.take(arcs)
            if state is not None and arc is not None:
                return TableSpan(state, arc)
            if state is not None:
                self._states.release(state, states)
            if arc is not None:
                self._arcs.release(arc, arcs)
            # Streams use all that is left: no automaton in use is ever moved or dropped.
            if not self._idle:
                return None
            self._forget(next(iter(self._idle)))

    def _forget(self, handle: int) -> None:
        entry = self._entries.pop(handle)
        del self._handles[entry.phrases]
        if handle in self._idle:
            del self._idle[handle]
            self._idle_arcs -= entry.arcs
        self.roots.pop(handle, None)
        if handle in self._waiting:
            self._waiting.remove(handle)
        elif handle in self._work:
            self._end(handle)
        if entry.span is not None:
            self._states.release(entry.span.state, entry.states)
            self._arcs.release(entry.span.arc, entry.arcs)
