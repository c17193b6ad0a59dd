from __future__ import annotations

from collections.abc import Callable

import pytest

from auricle.protocol import InvalidMessage, Replacement, TextFormat, TurnSettings
from auricle.protocol.settings import TurnMode, is_text, phrases, require_number, require_whole


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: TurnSettings(mode="vad"), "turn.mode"),  # type: ignore[arg-type]
        (lambda: TurnSettings(silence_ms=79), "turn.silence_ms"),
        (lambda: TurnSettings(silence_ms=10_001), "turn.silence_ms"),
        (lambda: TurnSettings(silence_ms=500.0), "turn.silence_ms"),  # type: ignore[arg-type]
        (lambda: TurnSettings(eager_silence_ms=100.5), "turn.eager_silence_ms"),  # type: ignore[arg-type]
        (lambda: TurnSettings(end_threshold="0.5"), "turn.end_threshold"),  # type: ignore[arg-type]
        (lambda: TurnSettings(eager_threshold=True), "turn.eager_threshold"),
        (lambda: TurnSettings(eager_silence_ms=500), "turn.eager_silence_ms"),
        (lambda: TurnSettings(min_silence_ms=900, max_silence_ms=800), "turn.min_silence_ms"),
        (lambda: TurnSettings(end_threshold=0.0), "turn.end_threshold"),
        (lambda: TurnSettings(end_threshold=0.5, eager_threshold=0.5), "turn.eager_threshold"),
        (lambda: TurnSettings(max_turn_seconds=0.5), "turn.max_turn_seconds"),
        (lambda: TurnSettings(max_turn_seconds=3_601), "turn.max_turn_seconds"),
        (lambda: TurnSettings(max_turn_seconds=float("nan")), "turn.max_turn_seconds"),
        (lambda: TurnSettings(max_turn_seconds="9"), "turn.max_turn_seconds"),  # type: ignore[arg-type]
        (lambda: TurnSettings(max_turn_seconds=True), "turn.max_turn_seconds"),
        (lambda: TurnSettings(expect="words"), "turn.expect"),  # type: ignore[arg-type]
        (lambda: TurnSettings(no_words=1), "turn.no_words"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_exist_are_legal(build: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        build()
    assert caught.value.field == field


def test_text_is_what_utf8_can_encode() -> None:
    assert is_text("Grüße, 世界")
    assert not is_text("\ud83d")
    assert not is_text(b"bytes")


def test_booleans_are_no_numbers() -> None:
    for check in (require_whole, require_number):
        check(3, "n")
        with pytest.raises(InvalidMessage):
            check(True, "n")


def test_phrases_are_a_list_and_not_one_string() -> None:
    assert phrases(["Auricle", "GPU"]) == ("Auricle", "GPU")
    with pytest.raises(InvalidMessage, match="list of phrases"):
        phrases("Auricle")


@pytest.mark.parametrize(("mode", "seconds"), [("off", 0.0), ("silence", 0.5), ("semantic", 1.5)])
def test_every_turn_ends_with_so_much_silence(mode: TurnMode, seconds: float) -> None:
    assert TurnSettings(mode, 500, max_silence_ms=1_500).longest_silence == seconds


@pytest.mark.parametrize(
    ("turn", "seconds"),
    [
        (TurnSettings("silence", 500, expect="digits"), 1.5),
        (TurnSettings("silence", 2_000, expect="letters"), 2.0),
        (TurnSettings("semantic", max_silence_ms=1_000, expect="letters"), 1.5),
        (TurnSettings("off", expect="digits"), 0.0),
    ],
)
def test_a_turn_of_dictation_waits_for_the_next_group(turn: TurnSettings, seconds: float) -> None:
    assert turn.longest_silence == seconds


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: TextFormat(numbers="digits"), "text_format.numbers"),  # type: ignore[arg-type]
        (lambda: TextFormat(profanity_filter=1), "text_format.profanity_filter"),  # type: ignore[arg-type]
        (lambda: TextFormat(replace=("uh",)), "text_format.replace"),  # type: ignore[arg-type]
        (lambda: TextFormat(replace=[Replacement("uh")]), "text_format.replace"),  # type: ignore[arg-type]
        (lambda: TextFormat(replace=(Replacement("uh"),) * 201), "text_format.replace"),
        (lambda: Replacement(" "), "text_format.replace.search"),
        (lambda: Replacement("a" * 101), "text_format.replace.search"),
        (lambda: Replacement("a", "b" * 101), "text_format.replace.replacement"),
        (lambda: Replacement("\ud800"), "text_format.replace.search"),
    ],
)
def test_a_text_format_that_cannot_be_is_refused(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        make()
    assert refused.value.field == field
