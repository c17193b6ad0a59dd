"""The judgements of how complete a turn sounds that a stream has asked for, or may have to ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SURE = 0.9
"""A turn that sounded this complete is not judged again in the same silence: the answer hardly ever changes, while a
low one often rises as the silence goes on."""


@dataclass(slots=True)
class EndOfTurnScore:
    """One of Smart Turn.

    Attributes:
        position: Where it is made.
        start: The first sample that it hears.
        before: The one before it in the same silence; it is made only if that one was not sure.
        asked: When, by the clock; None before.
        score: The answer; None before.
        late: Whether somebody would not wait for it any longer.
    """

    position: int
    start: int
    before: EndOfTurnScore | None = None
    asked: float | None = None
    score: float | None = None
    late: bool = False

    @property
    def sure(self) -> bool:
        """Whether no further one is needed."""
        return self.score is not None and self.score >= SURE

    @property
    def due(self) -> bool:
        """Whether it is to be asked for."""
        return self.possible and (self.before is None or self.before.score is not None)

    @property
    def possible(self) -> bool:
        """Whether it may have to be asked for yet."""
        if self.asked is not None:
            return False
        return self.before is None or not (self.before.sure or (self.before.asked is None and not self.before.possible))


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """How the judgements of a silence stand: the newest answer, and the one that is still to be answered."""

    newest: EndOfTurnScore | None = None
    pending: EndOfTurnScore | None = None


class EndOfTurnScores:
    """Those of one stream, in the order of their positions."""

    def __init__(self) -> None:
        self._all: list[EndOfTurnScore] = []

    def __len__(self) -> int:
        return len(self._all)

    @property
    def due(self) -> list[EndOfTurnScore]:
        """Those to be asked for."""
        return [judgement for judgement in self._all if judgement.due]

    @property
    def first_sample(self) -> int | None:
        """The first one that any of those may hear that are not asked for yet."""
        return min((judgement.start for judgement in self._all if judgement.possible), default=None)

    def plan(self, position: int, start: int, silent_since: int) -> None:
        """One falls due at `position`, behind all that have been planned."""
        last = self._all[-1] if self._all else None
        before = last if last is not None and last.position > silent_since else None
        self._all.append(EndOfTurnScore(position, start, before))

    def standing(self, silent_since: int | None, position: int) -> ScoreSummary:
        """At a position in a silence; None where there is no silence."""
        newest = None
        for judgement in self._within(silent_since, position):
            if judgement.score is None:
                return ScoreSummary(newest, judgement)
            newest = judgement
            if newest.sure:
                break
        return ScoreSummary(newest)

    def _within(self, silent_since: int | None, position: int) -> Iterator[EndOfTurnScore]:
        if silent_since is not None:
            yield from (each for each in self._all if silent_since < each.position <= position)

    def forget(self, until: int) -> None:
        """Drops those up to there."""
        self._all = [judgement for judgement in self._all if judgement.position > until]

    def void(self, start: int, position: int) -> None:
        """Drops those that hear anything before `start`, and those behind `position`, which must be planned again."""
        self._all = [each for each in self._all if each.start >= start and each.position <= position]
