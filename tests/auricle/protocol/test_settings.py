from __future__ import annotations

from collections.abc import Callable

import pytest

from auricle.protocol import InvalidMessage, TurnSettings
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
