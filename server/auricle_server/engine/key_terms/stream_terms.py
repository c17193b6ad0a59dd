"""Which key terms each stream has asked for, and what becomes of them: in force, or refused.

A list whose automaton is not built yet changes nothing: the stream goes on with the terms that it has. Once the
automaton is there, it is in force from the next chunk on. A newer list of the same stream replaces one that is not
built yet. Only streams that say so wait for their terms: recordings, whose words must not depend on when they are
decoded.
"""

from __future__ import annotations

import time
from collections.abc import Sized
from dataclasses import dataclass, replace

import numpy as np

from auricle_server.engine.key_terms.automaton_cache import NO_TERMS, AutomatonCache
from auricle_server.engine.scheduling.batch_rows import Int64s
from auricle_server.engine.scheduling.slot_pool import SlotPool
from auricle_server.engine.scheduling.stream_inputs import StreamInputs
from auricle_server.engine.types import Lease, Phrases

_LEAST_SECONDS, _MOST_SECONDS = 0.001, 0.01
_SHARE = 0.2
"""A step spends this share of the time since the last one on preparing key terms, within these bounds: when steps are
long, because there are many streams, a millisecond of each would let lists wait for half a minute."""


_SHORT = 512
"""Characters of a short list: its automaton takes some 3 ms."""
_MOST_CREDIT = 0.05
"""Seconds of the processor for automata that are built at once when many streams start together; more are earned at the
rate of `_SHARE`, so that lists that come without end cannot hold up the steps."""


@dataclass(frozen=True, slots=True)
class TermsOutcome:
    """What has become of a list of key terms.

    Attributes:
        lease: Of the stream.
        phrases: How many the list has.
        in_force: Whether it is in force from the stream's next chunk on; else the tables have no room for it, and the
            stream keeps the terms that it had.
    """

    lease: Lease
    phrases: int
    in_force: bool


class StreamTerms:
    """The key terms of all streams.

    Args:
        automata: Builds their automata.
        inputs: Of the streams.
        slots: Who has which slot.
        in_flight: Steps that the device works on, which may use the table entries that an automaton is written to.
    """

    def __init__(self, automata: AutomatonCache, inputs: StreamInputs, slots: SlotPool, in_flight: Sized) -> None:
        self._in_flight = in_flight
        self._credit, self._credited_at = _MOST_CREDIT, time.monotonic()
        """Seconds of the processor for short lists that are built at once."""
        self._automata = automata
        self._inputs = inputs
        self._slots = slots
        self._pending: dict[int, int] = {}
        """Handle of the newest list of a slot, while its automaton is not built and the stream goes on."""
        self._outcomes: list[TermsOutcome] = []
        self._worked_at = time.perf_counter()

    def take(self, slot: int, phrases: Phrases, current: int, *, wait: bool) -> int:
        """A stream asks for other key terms.

        Args:
            slot: Of the stream.
            phrases: To be favoured; none removes them.
            current: Handle of the terms that its latest settings hold.
            wait: Whether the stream waits for them.

        Returns:
            The handle that its settings are to hold from now on: the new one, or still `current`.
        """
        self.drop(slot)
        handle = self._automata.take(phrases)
        if handle == current:
            self._automata.release(handle)  # the settings hold it already
        if handle not in self._automata.roots and not wait:
            self._build_short(handle, phrases)
        root = self._automata.roots.get(handle)
        if root is None and not wait and handle != current:
            self._pending[slot] = handle
            return current
        if root is not None:
            self._report(slot, handle, fits := self._fits(handle))
            if not fits and handle != current:
                self._automata.release(handle)
                return current
        return handle

    def _build_short(self, handle: int, phrases: Phrases) -> None:
        """Builds the automaton of a short list at once, so that it is in force for all audio that follows."""
        now = time.monotonic()
        self._credit = min(_MOST_CREDIT, self._credit + _SHARE * (now - self._credited_at))
        self._credited_at = now
        shared = handle in self._pending.values() or self._inputs.terms_awaited(handle)
        if self._credit > 0 and sum(map(len, phrases)) <= _SHORT and not len(self._in_flight) and not shared:
            began = time.thread_time()
            self._automata.build_now(handle, _MOST_SECONDS)
            self._credit -= time.thread_time() - began

    def _fits(self, handle: int) -> bool:
        return handle == NO_TERMS or self._automata.roots[handle] != NO_TERMS

    def drop(self, slot: int) -> None:
        """Gives up the list that the stream goes on without: a newer one has come, or no more audio will."""
        handle = self._pending.pop(slot, None)
        if handle is not None:
            self._automata.release(handle)

    def work(self) -> Int64s:
        """Works on automata for a moment, see `AutomatonCache.work`.

        Returns:
            The slots that may have a row to compute now, as their terms are there.
        """
        seconds = _SHARE * (time.perf_counter() - self._worked_at)
        done = self._automata.work(min(_MOST_SECONDS, max(_LEAST_SECONDS, seconds)))
        self._worked_at = time.perf_counter()
        return np.concatenate([np.zeros(0, np.int64), *map(self._ready, done)])

    def _ready(self, handle: int) -> Int64s:
        fits = self._fits(handle)
        waited = self._inputs.terms_ready(handle)
        going_on = [slot for slot, pending in self._pending.items() if pending == handle]
        for slot in going_on:
            del self._pending[slot]
            if fits:
                self._inputs.change(slot, replace(self._inputs.latest_settings(slot), terms=handle))
        slots = np.concatenate((waited, np.array(going_on, np.int64)))
        for slot in slots.tolist():
            self._report(slot, handle, fits)
        for _ in () if fits else going_on:
            self._automata.release(handle)
        return slots

    def _report(self, slot: int, handle: int, in_force: bool) -> None:
        lease = Lease(int(self._slots.lease_of[slot]), slot)
        self._outcomes.append(TermsOutcome(lease, len(self._automata.phrases(handle)), in_force))

    def outcomes(self) -> list[TermsOutcome]:
        """What has become of lists since the last call, in order; each is told once."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes
