from __future__ import annotations

import pytest

from auricle_server.turns.backchannels import backchannel_probability, is_english


@pytest.mark.parametrize(
    "text",
    [
        "mm-hm",
        "Mm-hmm.",
        "Mhm.",
        "Mhmm.",
        "Mmmhmmm",
        "mm hm",
        "Hmmmm.",
        "Uh-huh.",
        "uh huh",
        "okay",
        "Okay.",
        "OK",
        "Okay, okay.",
        "Yeah.",
        "Yeah, yeah, yeah.",
        "Right.",
        "Oh, right.",
        "I see.",
        "Got it.",
        "Alright.",
        "Yeah, okay, I see.",
        "Oh wow",
        "Mm-hm, right",
    ],
)
def test_what_only_shows_that_one_listens_is_probably_a_backchannel(text: str) -> None:
    assert 0.5 < backchannel_probability(text) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "No, thanks.",
        "uh-uh",
        "mm-mm",
        "Yes.",
        "Okay?",
        "Right?",
        "Hm?",
        "Okay, book the table.",
        "Okay, what about tomorrow?",
        "Yeah, but not today.",
        "I see two of them.",
        "so",
        "um",
        "Turn right.",
        "Thank you.",
        "yeah " * 9,
        "...",
        "Amsterdam",
    ],
)
def test_what_says_more_or_asks_is_probably_none(text: str) -> None:
    assert 0 <= backchannel_probability(text) < 0.5


def test_a_purer_signal_is_more_probable() -> None:
    assert backchannel_probability("mm-hm") > backchannel_probability("okay") > backchannel_probability("yes") > 0.1


@pytest.mark.parametrize(
    ("language", "english"),
    [("en", True), ("en-US", True), ("EN-gb", True), ("de-DE", False), ("auto", False), ("enx", False), ("", False)],
)
def test_english_is_every_locale_of_it(language: str, english: bool) -> None:
    assert is_english(language) is english
