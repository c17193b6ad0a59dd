"""Finalizes cost no word: the measures by hand-made segments, and two hundred real ones."""

from __future__ import annotations

import pytest

from auricle.protocol.server_messages import Word
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.stream.transcript import Segment
from tests.bench.finals.__main__ import measure
from tests.bench.finals.measures import CutTally
from tests.bench.finals.talks import PausedTalk, talks

TALKS = 10
"""With five finalizes each, at four latencies."""
MOST_CHANGED = 0.02
"""Share of the finalizes that may have another last word than the stream without them."""


def segment(*spoken: tuple[str, float]) -> Segment:
    """Of words and the seconds at which they start."""
    words = tuple(Word(text, start, start + 0.1, 1.0) for text, start in spoken)
    return Segment(" ".join(text for text, _ in spoken), words, None, None)


UNCUT = segment(("Turn", 0.5), ("it", 0.7), ("on.", 0.9), ("Now,", 2.5), ("please.", 2.9))


def tally(*cut: Segment) -> CutTally:
    """Of one cut in the pause before the word at 2.5 s."""
    made = CutTally()
    made.add("Turn it on. Now, please.", UNCUT, cut, [2.4])
    return made


def test_a_perfect_cut_costs_nothing() -> None:
    found = tally(segment(("Turn", 0.5), ("it", 0.7), ("on.", 0.9)), segment(("Now,", 2.5), ("please.", 2.9)))
    assert (found.lost, found.doubled, found.changed, found.leaked, found.unclosed) == (0, 0, 0, 0, 0)
    assert (found.finals, found.errors, found.uncut_errors, found.reference_words) == (1, 0, 0, 5)


def test_lost_doubled_changed_leaked_and_unclosed_are_told_apart() -> None:
    assert tally(segment(("Turn", 0.5), ("it", 0.7)), segment(("Now,", 2.5), ("please.", 2.9))).lost == 1
    late = tally(segment(("Turn", 0.5), ("it", 0.7)), segment(("on.", 1.0), ("Now,", 2.5), ("please.", 2.9)))
    assert (late.lost, late.doubled, late.unclosed) == (1, 1, 1)
    changed = tally(segment(("Turn", 0.5), ("it", 0.7), ("off.", 0.9)), segment(("Now,", 2.5), ("please.", 2.9)))
    assert (changed.changed, changed.lost, changed.doubled, changed.errors) == (1, 0, 0, 1)
    leaked = tally(segment(("Turn", 0.5), ("it", 0.7), ("on", 0.9)), segment((". Now,", 2.5), ("please.", 2.9)))
    assert (leaked.leaked, leaked.unclosed, leaked.lost) == (1, 1, 0)


def test_a_word_that_was_written_across_the_pause_may_be_split_there() -> None:
    found = CutTally()
    uncut = segment(("nines", 0.5), ("is", 2.6))
    found.add("nine this is", uncut, (segment(("nin", 0.5)), segment(("es", 2.5), ("is", 2.6))), [2.4])
    assert (found.split, found.lost, found.doubled, found.changed) == (1, 0, 0, 0)


@pytest.fixture(scope="module")
def spoken() -> list[PausedTalk]:
    return talks(TALKS, 71_000, 2)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_checkpoint("demo"), slots=24, device="cpu", threads=1)


@pytest.mark.parametrize("latency_ms", [80, 160, 560, 1120])
def test_finalizes_in_pauses_cost_no_word(engine: Engine, spoken: list[PausedTalk], latency_ms: int) -> None:
    found = measure(engine, spoken, latency_ms)
    assert found.finals == 5 * TALKS
    assert (found.lost, found.doubled, found.leaked) == (0, 0, 0), found.examples
    assert found.changed <= max(1, MOST_CHANGED * found.finals), found.examples
    assert abs(found.errors - found.uncut_errors) <= 0.005 * found.reference_words
