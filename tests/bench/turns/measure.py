"""How often somebody is cut off, and how long the others wait. Pure: labels and turn ends go in, figures come out.

All times are on the audio clock: a turn end's latency is its audio position minus the true end of speech.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns.conversations import Conversation, Turn

MISSED_SECONDS = 3.0
"""A turn without an end by then counts as one that took this long."""
EARLY_SECONDS = 0.15
"""An end that comes this little before the last phone's end is no cut-off: a decoder with lookahead may know."""
BUDGETS = (0.3, 0.6, 1.0)
"""Mean latencies at which false cut-offs are compared, in seconds."""
CUTOFFS = (0.05, 0.1)
"""Shares of false cut-offs at which latencies are compared."""


@dataclass(frozen=True)
class Outcome:
    """What came of one turn.

    Attributes:
        kind: Of the turn.
        condition: Of its conversation.
        cuts: For each pause its kind, and whether a turn end fell in it, or behind it before the next.
        stray: Whether a turn end fell before any pause.
        latency: Seconds from the true end of speech to the turn end; None when it was missed.
    """

    kind: str
    condition: str
    cuts: tuple[tuple[str, bool], ...]
    stray: bool
    latency: float | None

    @property
    def is_cut(self) -> bool:
        """Whether the turn was ended too early."""
        return self.stray or any(cut for _, cut in self.cuts)


@dataclass(frozen=True)
class Summary:
    """Figures of many turns; seconds and shares.

    Attributes:
        pauses: How many.
        turns: How many.
        cut: Share of the pauses in which a turn end fell.
        cut_turns: Share of the turns that were ended too early.
        missed: Share of the turns without an end in time.
        mean: Latency; a missed turn counts as `MISSED_SECONDS` here and below.
        p50: Median.
        p95: 95th percentile.
    """

    pauses: int
    turns: int
    cut: float
    cut_turns: float
    missed: float
    mean: float
    p50: float
    p95: float


@dataclass(frozen=True)
class Point:
    """A system at one value of what is swept."""

    value: float
    outcomes: tuple[Outcome, ...]
    summary: Summary


def outcomes(conversation: Conversation, ends: Sequence[int]) -> list[Outcome]:
    """What the turn ends at these positions, rising, mean for each turn. Ends before the first turn are nobody's."""
    turns = conversation.turns
    nexts = [*(turn.start for turn in turns[1:]), max(len(conversation.pcm), turns[-1].end) + 1]
    return [
        _outcome(turn, conversation.condition, [end for end in ends if turn.start <= end < following], following)
        for turn, following in zip(turns, nexts, strict=True)
    ]


def _outcome(turn: Turn, condition: str, ends: Sequence[int], following: int) -> Outcome:
    resumed = max((pause.end for pause in turn.pauses), default=turn.start)
    over = max(resumed, turn.end - round(EARLY_SECONDS * SAMPLE_RATE))
    false = [_pause_of(turn, end) for end in ends if end < over]
    cuts = tuple((pause.kind, index in false) for index, pause in enumerate(turn.pauses))
    latest = min(following - 1, turn.end + round(MISSED_SECONDS * SAMPLE_RATE))
    true = next((end for end in ends if over <= end <= latest), None)
    latency = None if true is None else (true - turn.end) / SAMPLE_RATE
    return Outcome(turn.kind, condition, cuts, None in false, latency)


def _pause_of(turn: Turn, end: int) -> int | None:
    begun = [index for index, pause in enumerate(turn.pauses) if pause.start < end]
    return begun[-1] if begun else None


def summarise(found: Sequence[Outcome]) -> Summary:
    """Of any turns; zero where there is nothing."""
    cuts = [cut for outcome in found for _, cut in outcome.cuts]
    waits = [MISSED_SECONDS if outcome.latency is None else outcome.latency for outcome in found] or [0.0]
    p50, p95 = np.percentile(waits, (50, 95))
    return Summary(
        pauses=len(cuts),
        turns=len(found),
        cut=_share(cuts),
        cut_turns=_share([outcome.is_cut for outcome in found]),
        missed=_share([outcome.latency is None for outcome in found]),
        mean=float(np.mean(waits)),
        p50=float(p50),
        p95=float(p95),
    )


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def point(value: float, found: Iterable[Outcome]) -> Point:
    """A system at one value."""
    all_found = tuple(found)
    return Point(value, all_found, summarise(all_found))


def best_within(points: Sequence[Point], budget: float) -> Point | None:
    """The fewest false cut-offs with a mean latency of at most `budget` seconds; None when none is as fast."""
    fast = [each for each in points if each.summary.mean <= budget]
    return min(fast, key=lambda each: (each.summary.cut, each.summary.mean), default=None)


def fastest_with(points: Sequence[Point], cut: float) -> Point | None:
    """The least mean latency with at most this share of false cut-offs; None when none has so few."""
    safe = [each for each in points if each.summary.cut <= cut]
    return min(safe, key=lambda each: each.summary.mean, default=None)


def cuts_by_kind(found: Sequence[Outcome]) -> dict[str, tuple[int, float]]:
    """For each kind of pause how many there are, and the share that was cut."""
    return _grouped([(kind, cut) for outcome in found for kind, cut in outcome.cuts])


def by_condition(found: Sequence[Outcome]) -> dict[str, Summary]:
    """For each acoustic condition."""
    names = sorted({outcome.condition for outcome in found})
    return {name: summarise([outcome for outcome in found if outcome.condition == name]) for name in names}


def latency_by_kind(found: Sequence[Outcome]) -> dict[str, Summary]:
    """For each kind of turn."""
    names = sorted({outcome.kind for outcome in found})
    return {name: summarise([outcome for outcome in found if outcome.kind == name]) for name in names}


def _grouped(cuts: Sequence[tuple[str, bool]]) -> dict[str, tuple[int, float]]:
    names = sorted({kind for kind, _ in cuts})
    of_kind = {name: [cut for kind, cut in cuts if kind == name] for name in names}
    return {name: (len(picked), _share(picked)) for name, picked in of_kind.items()}
