"""The settings under which the next row of each slot is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from auricle_server.engine.scheduling.batch_rows import Bools, Int64s
from auricle_server.engine.scheduling.commands import StreamSettings

NO_ROOTS: Mapping[int, int] = MappingProxyType({0: 0})


class ActiveSettings:
    """Columns by slot.

    Attributes:
        frames: Encoder frames of a chunk, [slots + 1].
        prompt: Index of the language prompt, [slots + 1].
        waiting: Whether the stream waits for its automaton of key terms, [slots + 1].

    Args:
        slots: Highest slot.
        roots: Root state of each automaton of key terms that is ready, by handle.
    """

    def __init__(self, slots: int, roots: Mapping[int, int] = NO_ROOTS) -> None:
        self.frames = np.ones(slots + 1, np.int64)
        self.prompt = np.zeros(slots + 1, np.int64)
        self.waiting = np.zeros(slots + 1, np.bool_)
        self._next_prompt = np.zeros(slots + 1, np.int64)
        self._prompt_from = np.zeros(slots + 1, np.int64)
        """Sample of the stream from which on chunks must begin to get the next prompt."""
        self._roots = roots
        self._terms = np.zeros(slots + 1, np.int64)
        """Handle of each slot's automaton."""
        self._root = np.zeros(slots + 1, np.int64)
        self._at_root = np.zeros(slots + 1, np.bool_)
        """Whether the automaton starts at its root, because it is new to the stream."""

    def open(self, slot: int, settings: StreamSettings) -> None:
        """Sets the first settings of a stream."""
        self.prompt[slot] = self._next_prompt[slot] = settings.prompt
        self.apply(slot, settings, 0)

    def apply(self, slot: int, settings: StreamSettings, at: int) -> list[int]:
        """Sets other settings from the next row on; a prompt from the first chunk on that begins at `at` or later.

        Args:
            slot: Slot of the stream.
            settings: To be in force.
            at: Samples of the stream.

        Returns:
            Handles of key terms that the stream no longer uses.
        """
        self.frames[slot] = settings.frames
        if settings.prompt != self._next_prompt[slot]:
            self._next_prompt[slot], self._prompt_from[slot] = settings.prompt, at
        before = int(self._terms[slot])
        if settings.terms == before:
            return []
        self._use_terms(slot, settings.terms)
        return [before] if before else []

    def switch_prompts(self, slots: Int64s, begin: Int64s) -> None:
        """Puts the next prompt into force where the next chunk begins after the audio that preceded the request.

        Args:
            slots: [B].
            begin: Sample of the stream at which the next chunk begins, [B].
        """
        due = begin >= self._prompt_from[slots]
        self.prompt[slots] = np.where(due, self._next_prompt[slots], self.prompt[slots])

    def restart(self, slot: int) -> None:
        """The state of the stream starts anew, and its automaton of key terms with it."""
        self._at_root[slot] = True

    def prompt_pending(self, slot: int) -> bool:
        """Whether a prompt waits for its chunk."""
        return bool(self.prompt[slot] != self._next_prompt[slot])

    def latest(self, slot: int) -> StreamSettings:
        """The settings, with the prompt that waits for its chunk."""
        return StreamSettings(int(self.frames[slot]), int(self._next_prompt[slot]), int(self._terms[slot]))

    def terms(self, slots: Int64s, kept: Bools) -> Int64s:
        """As in `Batch`, [B]: root states of the automata, negative where the stream starts at the root.

        Args:
            slots: Slots of the rows that are computed, [B].
            kept: Whether the row's state is kept, so that the automaton is no longer new to the stream, [B].
        """
        at_root, root = self._at_root[slots], self._root[slots]
        # A flush keeps no state, so the automaton is as new to the row after it.
        self._at_root[slots] = at_root & ~kept
        terms: Int64s = np.where(at_root, -root, root)
        return terms

    def terms_ready(self, terms: int) -> Int64s:
        """Takes note that an automaton is ready. Returns the slots that have waited for it."""
        slots: Int64s = np.flatnonzero(self.waiting & (self._terms == terms))
        for slot in slots.tolist():
            self._use_terms(slot, terms)
        return slots

    def terms_awaited(self, terms: int) -> bool:
        """Whether a stream waits for an automaton."""
        return bool((self.waiting & (self._terms == terms)).any())

    def close(self, slot: int, queued: Sequence[StreamSettings]) -> list[int]:
        """Ends a stream.

        Args:
            slot: Slot of the stream.
            queued: Settings that would have come into force later.

        Returns:
            Handles of key terms that the stream no longer uses, one for each `StreamSettings` that introduced it.
        """
        handles = [int(self._terms[slot]), *(settings.terms for settings in queued)]
        self._use_terms(slot, 0)
        return [new for new, old in zip(handles, [0, *handles], strict=False) if new and new != old]

    def _use_terms(self, slot: int, terms: int) -> None:
        self._terms[slot], self._at_root[slot] = terms, True
        self.waiting[slot] = terms not in self._roots
        self._root[slot] = self._roots.get(terms, 0)
