"""The settings under which the next row of each slot is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from auricle_server.engine.scheduling.batch_rows import Numbers
from auricle_server.engine.scheduling.commands import StreamSettings

NO_ROOTS: Mapping[int, int] = MappingProxyType({0: 0})


class ActiveSettings:
    """Columns by slot.

    Attributes:
        frames: Encoder frames of a chunk, [slots + 1].
        prompt: Of the language, likewise.
        held: Whether the stream waits for its automaton of key terms, likewise.
        dropped: Handles of automata that streams no longer need since somebody last took them away; one for each
            `StreamSettings` that brought it.

    Args:
        slots: Highest slot.
        roots: Root state of each automaton of key terms that is ready, by handle.
    """

    def __init__(self, slots: int, roots: Mapping[int, int] = NO_ROOTS) -> None:
        self.frames = np.ones(slots + 1, np.int64)
        self.prompt = np.zeros(slots + 1, np.int64)
        self.held = np.zeros(slots + 1, np.bool_)
        self.dropped: list[int] = []
        self._next_prompt = np.zeros(slots + 1, np.int64)
        self._prompt_from = np.zeros(slots + 1, np.int64)
        """Samples of the stream behind which chunks begin that have the next prompt."""
        self._roots = roots
        self._terms = np.zeros(slots + 1, np.int64)
        """Handle of each slot's automaton."""
        self._root = np.zeros(slots + 1, np.int64)
        self._fresh = np.zeros(slots + 1, np.bool_)
        """Whether the automaton stands at its root, as it is new to the stream."""

    def open(self, slot: int, settings: StreamSettings) -> None:
        """The first ones of a stream."""
        self.prompt[slot] = self._next_prompt[slot] = settings.prompt
        self.apply(slot, settings, 0)

    def apply(self, slot: int, settings: StreamSettings, at: int) -> None:
        """Other ones from the next row on; a prompt from the first chunk on that begins behind `at` samples."""
        self.frames[slot] = settings.frames
        if settings.prompt != self._next_prompt[slot]:
            self._next_prompt[slot], self._prompt_from[slot] = settings.prompt, at
        if settings.terms != self._terms[slot]:
            self._drop([int(self._terms[slot])])
            self._take_up(slot, settings.terms)

    def turn_prompts(self, slots: Numbers, begin: Numbers) -> None:
        """The next prompt of those whose next chunk begins behind the audio that was there when it was asked for.

        Args:
            slots: Whose, [B].
            begin: Sample of the stream at which the next chunk begins, [B].
        """
        due = begin >= self._prompt_from[slots]
        self.prompt[slots] = np.where(due, self._next_prompt[slots], self.prompt[slots])

    def turning(self, slot: int) -> bool:
        """Whether a prompt waits for its chunk."""
        return bool(self.prompt[slot] != self._next_prompt[slot])

    def latest(self, slot: int) -> StreamSettings:
        """With the prompt that waits for its chunk."""
        return StreamSettings(int(self.frames[slot]), int(self._next_prompt[slot]), int(self._terms[slot]))

    def terms(self, slots: Numbers, kept: npt.NDArray[np.bool_]) -> Numbers:
        """As in `Batch`, [B]: root states of the automata, negative where the stream is to begin at the root.

        Args:
            slots: Whose rows are computed, [B].
            kept: Whether the row's state is kept, so that the automaton is new to the stream no longer, [B].
        """
        fresh, root = self._fresh[slots], self._root[slots]
        self._fresh[slots] = fresh & ~kept
        terms: Numbers = np.where(fresh, -root, root)
        return terms

    def wake(self, terms: int) -> Numbers:
        """An automaton is ready. Returns the slots that have waited for it."""
        slots: Numbers = np.flatnonzero(self.held & (self._terms == terms))
        for slot in slots.tolist():
            self._take_up(slot, terms)
        return slots

    def close(self, slot: int, queued: Sequence[StreamSettings]) -> None:
        """A stream is over; `queued` would have come into force later."""
        handles = [int(self._terms[slot]), *(settings.terms for settings in queued)]
        self._drop([new for new, old in zip(handles, [0, *handles], strict=False) if new != old])
        self._take_up(slot, 0)

    def _drop(self, terms: Sequence[int]) -> None:
        self.dropped += [handle for handle in terms if handle]

    def _take_up(self, slot: int, terms: int) -> None:
        self._terms[slot], self._fresh[slot] = terms, True
        self.held[slot] = terms not in self._roots
        self._root[slot] = self._roots.get(terms, 0)
