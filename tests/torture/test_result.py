"""The torture's own checks find what they look for."""

from __future__ import annotations

from collections import Counter

import pytest

from auricle import Final, TurnEnd
from tests.torture.calls import Outcome, difference
from tests.torture.fuzzing.conversations import Conversation
from tests.torture.plan import Plan
from tests.torture.report import markdown, record_of
from tests.torture.result import TrialResult
from tests.torture.run import Report
from tests.torture.trials.message_fuzz import problems
from tests.torture.usage import MOST_DESCRIPTORS, Sample, Usage


def final(text: str, finalize_id: str | None = None) -> Final:
    return Final(text=text, start=0, end=1, language="en", words=(), finalize_id=finalize_id, settled=1)


@pytest.mark.parametrize(
    ("heard", "lost", "added"),
    [
        ("and in is that", [], []),
        ("and is that", ["in"], []),
        ("and in in is that", [], ["in"]),
        ("and on is that", ["in"], ["on"]),
        ("", ["and", "in", "is", "that"], []),
    ],
)
def test_words_that_are_lost_or_doubled_are_found(heard: str, lost: list[str], added: list[str]) -> None:
    assert difference("and in is that".split(), heard.split()) == (lost, added)


def test_a_call_that_went_well_has_no_problem_and_every_fault_is_one() -> None:
    asks, turns = Outcome(True, said=["and in"]), Outcome(False, said=["is that"])
    asks.asked("0")
    asks.note(final("and in", "0"))
    turns.note(final("is that"))
    turns.note(TurnEnd(probability=1, speech_end=1, text="is that"))
    assert asks.problems() == turns.problems() == []
    assert [at for at, _ in asks.waits]
    assert "1 finalizes have 0 answers" in Outcome(True, said=["and"], finals=["and"]).problems()[0]
    assert "1 turns ended as 0" in Outcome(False, said=["and"], finals=["and"]).problems()[0]
    result = TrialResult("calls", "two calls")
    result.judge("one", Outcome(False, said=["and in"], finals=["and"], turns=["and in"], failure="gone"))
    assert (result.lost, result.added, result.ended, result.holds) == (1, 0, 1, False)
    assert result.problems == ["one: ended by us: gone", "one: words lost: in"]


def test_an_answer_other_than_the_protocols_is_a_problem() -> None:
    fatal = {"type": "error", "code": "bad_json", "fatal": True}
    wrong = Conversation(expected=frozenset({"bad_json"}))
    assert problems(wrong, [{"type": "ready"}, fatal], 1007) == []
    assert problems(wrong, [{"type": "ready"}, fatal], 1000) == ["closed with 1000 after bad_json"]
    assert problems(wrong, [{"type": "ready"}], 1006)
    assert problems(Conversation(), [{"type": "ready"}, {**fatal, "code": "internal"}], 1011)
    assert problems(Conversation(finalizes=1), [{"type": "ready"}], 1000)
    assert problems(Conversation(), [{"type": "ready"}], 1000) == []


def test_memory_and_descriptors_that_grow_are_a_problem() -> None:
    def judged(end_bytes: int, end_descriptors: int) -> list[str]:
        usage, result = Usage(seconds=1.0), TrialResult("live calls", "")
        roles = ("gateway", "worker")
        for at, size, opened in ((0.03, 100, 20), (0.5, 200, 20), (0.99, end_bytes, end_descriptors)):
            usage.samples.append(Sample(at, dict.fromkeys(roles, size << 20), dict.fromkeys(roles, opened)))
        usage.judge(result)
        return result.problems

    assert judged(200, 20) == judged(210, 20 + MOST_DESCRIPTORS) == []
    assert judged(400, 20) == [
        "the memory of the gateway grew from 200 to 400 MiB",
        "the memory of the worker grew from 200 to 400 MiB",
    ]
    assert len(judged(200, 21 + MOST_DESCRIPTORS)) == 2


def test_the_page_says_what_did_not_hold() -> None:
    bad = TrialResult(
        "live calls", "one call", Counter(calls=1, words=2), lost=1, failures=1, problems=["words lost: in"]
    )
    page = markdown(record_of(Report(Plan(minutes=1), [TrialResult("fuzz", "much"), bad])))
    assert "Not everything held" in page
    assert "- live calls: `words lost: in`" in page
    assert "| words lost | 1 |" in page
    assert "Everything held." in markdown(record_of(Report(Plan(minutes=1), [TrialResult("fuzz", "much")])))


def test_one_factor_scales_everything() -> None:
    assert Plan().scaled(2_000) == 2_000
    assert Plan(minutes=1.5).scaled(2_000) == 50
    assert Plan(minutes=0.001).scaled(60) == 1
