"""How often each file was begun and not ended: a file that kills its worker must not do so for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MOST_ATTEMPTS = 3
"""Deaths of a worker after which the file that it was at fails. One may be the machine's fault, and two a bad day."""


class AttemptLedger:
    """Counts; an actor of Ray, which outlives the workers."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begun(self, keys: Iterable[str]) -> dict[str, int]:
        """How often each of these was begun and not ended, where that is not 0."""
        return {key: self._begun[key] for key in keys if self._begun[key]}

    def begin(self, key: str) -> None:
        """A worker begins a file."""
        self._begun[key] += 1

    def end(self, key: str) -> None:
        """The worker has an answer for it."""
        del self._begun[key]
