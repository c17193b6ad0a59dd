"""The scores of Smart Turn that a stream has asked for, or may have to ask for: how complete its turn sounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SURE = 0.9
"""A turn that sounded this complete gets no further score in the same silence: the answer hardly ever changes, while a
low one often rises as the silence goes on."""


@dataclass(slots=True)
class EndOfTurnScore:
    """One run of Smart Turn, planned, asked for or answered. Positions are samples.

    Attributes:
        position: The audio position on which it rests.
        start: The first sample that the model gets.
        previous: The score before it in the same silence; this one is needed only if that one is not conclusive.
        asked: When it was asked for, by the clock; None before.
        score: The answer, 0 to 1; None before.
        late: Whether results no longer wait for it.
    """

    position: int
    start: int
    previous: EndOfTurnScore | None = None
    asked: float | None = None
    score: float | None = None
    late: bool = False

    @property
    def conclusive(self) -> bool:
        """Whether no further one is needed."""
        return self.score is not None and self.score >= SURE

    @property
    def due(self) -> bool:
        """Whether it is to be asked for now."""
        return self.possible and (self.previous is None or self.previous.score is not None)

    @property
    def possible(self) -> bool:
        """Whether it may still have to be asked for."""
        if self.asked is not None:
            return False
        previous = self.previous
        return previous is None or not (previous.conclusive or (previous.asked is None and not previous.possible))


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The scores of a silence: the newest answer, and the one that is not answered yet."""

    newest: EndOfTurnScore | None = None
    pending: EndOfTurnScore | None = None


class EndOfTurnScores:
    """The scores of one stream, in the order of their positions."""

    def __init__(self) -> None:
        self._scores: list[EndOfTurnScore] = []

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def due(self) -> list[EndOfTurnScore]:
        """Those to be asked for now."""
        return [score for score in self._scores if score.due]

    @property
    def first_sample(self) -> int | None:
        """The first sample that any score needs which is not asked for yet; None when there is none."""
        return min((score.start for score in self._scores if score.possible), default=None)

    def plan(self, position: int, start: int, silent_since: int) -> None:
        """Adds a score at `position`, after all that are planned.

        Args:
            position: Where it rests.
            start: The first sample that the model gets.
            silent_since: Where the silence has begun.
        """
        last = self._scores[-1] if self._scores else None
        previous = last if last is not None and last.position > silent_since else None
        self._scores.append(EndOfTurnScore(position, start, previous))

    def summary(self, silent_since: int | None, position: int) -> ScoreSummary:
        """The scores at `position` in a silence that has begun at `silent_since`; None while somebody speaks."""
        newest = None
        for score in self._within(silent_since, position):
            if score.score is None:
                return ScoreSummary(newest, score)
            newest = score
            if newest.conclusive:
                break
        return ScoreSummary(newest)

    def _within(self, silent_since: int | None, position: int) -> Iterator[EndOfTurnScore]:
        if silent_since is not None:
            yield from (score for score in self._scores if silent_since < score.position <= position)

    def forget(self, until: int) -> None:
        """Drops those up to `until`."""
        self._scores = [score for score in self._scores if score.position > until]

    def void(self, start: int, position: int) -> None:
        """Drops those that need samples before `start`, and those after `position`, which must be planned again."""
        self._scores = [score for score in self._scores if score.start >= start and score.position <= position]
