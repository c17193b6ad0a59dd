"""What a trial reports."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.torture.calls import Outcome, difference

_MOST_PROBLEMS = 20
"""A trial that fails a thousand times tells it once in words; the count says the rest."""


@dataclass
class TrialResult:
    """What came of one trial.

    Attributes:
        name: Of the trial.
        asked: What was to be done, in words.
        counts: What was done, and what became of it.
        lost: Words that were said and not heard.
        added: Words that were heard and not said, doubled ones included.
        ended: Calls that ended without their caller's wish.
        failures: How many checks failed.
        problems: The first of these in words.
        seconds: How long the trial took.
        skipped: Why it could not run here; empty where it did.
    """

    name: str
    asked: str
    counts: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    added: int = 0
    ended: int = 0
    failures: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    skipped: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def fail(self, problem: str) -> None:
        """Counts a failed check."""
        self.failures += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)

    def check(self, condition: bool, problem: str) -> None:
        """Counts a failed check if the condition does not hold."""
        if not condition:
            self.fail(problem)

    def judge(self, name: str, outcome: Outcome) -> None:
        """Takes a call into account."""
        lost, added = difference(" ".join(outcome.said).split(), " ".join(outcome.finals).split())
        self.lost += len(lost)
        self.added += len(added)
        self.ended += bool(outcome.failure)
        self.counts["calls"] += 1
        self.counts["words"] += sum(len(text.split()) for text in outcome.said)
        self.counts["finals"] += len(outcome.finals)
        for problem in outcome.problems():
            self.fail(f"{name}: {problem}")
