"""Settings are complete from the start, and what is out of range is refused at once."""

from __future__ import annotations

import pytest
from pipecat.transcriptions.language import Language

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.settings import InvalidMessage, TextFormat, TurnMode, TurnSettings
from pipecat_auricle import AuricleSTTService, AuricleSTTSettings
from pipecat_auricle.settings import TurnDetection, complete_settings, eager, start_message, update_message

Settings = AuricleSTTService.Settings


def test_settings_are_complete_from_the_start() -> None:
    stt = AuricleSTTService(settings=Settings(language=Language.DE_DE, latency_ms=160))
    assert stt.settings.given_fields() == {
        "model": None,
        "language": "de-DE",
        "latency_ms": 160,
        "turn_mode": "silence",
        "silence_ms": 500,
        "eager_silence_ms": None,
        "end_threshold": 0.75,
        "eager_threshold": None,
        "min_silence_ms": 160,
        "max_silence_ms": 2500,
        "max_turn_seconds": None,
        "expect": "none",
        "no_words": False,
        "keyterms": (),
        "refine": "off",
        "text_format": TextFormat(),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"settings": Settings(silence_ms=1)},
        {"settings": Settings(latency_ms=0)},
        {"settings": Settings(keyterms="Auricle")},
        {"settings": Settings(eager_silence_ms=500)},
        {"settings": Settings(language=7)},  # type: ignore[arg-type]  # as below
        {"settings": Settings(turn_mode="off")},  # type: ignore[arg-type]
        {"settings": Settings(end_threshold=2)},
        {"settings": Settings(refine="yes")},  # type: ignore[arg-type]
        {"settings": Settings(text_format="smart")},  # type: ignore[arg-type]
        {"turn_detection": "sometimes"},
        {"url": "ftp://example.com"},
    ],
)
def test_what_cannot_be_is_refused_at_once(wrong: dict[str, object]) -> None:
    named = r"_ms|keyterms|language|turn_detection|address|turn_mode|threshold|refine|text_format"
    with pytest.raises(ValueError, match=named):
        AuricleSTTService(**wrong)  # type: ignore[arg-type]  # that is the point


def test_a_delta_gives_nothing_that_it_was_not_given() -> None:
    assert Settings().given_fields() == {}
    assert AuricleSTTService.Settings is AuricleSTTSettings


def test_the_start_message_has_all_settings() -> None:
    settings = complete_settings(Settings(language=Language.DE_DE, latency_ms=160, keyterms=["Auricle"]), "server")
    turn = TurnSettings("silence", 500)
    assert start_message(settings, "server", 8_000) == Start(
        sample_rate=8_000, latency_ms=160, language="de-DE", turn=turn, keyterms=("Auricle",), refine="off"
    )


def test_an_update_has_the_changed_settings_only() -> None:
    settings = complete_settings(Settings(latency_ms=160, silence_ms=900, refine="on"), "server")
    assert update_message(settings, "server", {"latency_ms"}) == Update(latency_ms=160)
    assert update_message(settings, "server", {"refine"}) == Update(refine="on")
    written = complete_settings(Settings(text_format=TextFormat("smart")), "vad")
    assert start_message(written, "vad", 16_000).text_format == TextFormat("smart")
    assert update_message(written, "vad", {"text_format"}) == Update(text_format=TextFormat("smart"))
    assert update_message(settings, "server", {"silence_ms"}) == Update(turn=TurnSettings("silence", 900))


@pytest.mark.parametrize(("detection", "mode"), [("vad", "off"), ("server", "silence")])
def test_bounds_and_dictation_hold_whoever_detects_turns(detection: TurnDetection, mode: TurnMode) -> None:
    settings = complete_settings(Settings(max_turn_seconds=20, expect="digits", no_words=True), detection)
    turn = TurnSettings(mode, max_turn_seconds=20, expect="digits", no_words=True)
    assert start_message(settings, detection, 16_000).turn == turn
    assert update_message(settings, detection, {"expect"}) == Update(turn=turn)


def test_an_error_names_the_setting() -> None:
    settings = complete_settings(None, "vad")
    settings.latency_ms = 0.5  # type: ignore[assignment]  # that is the point
    with pytest.raises(InvalidMessage) as error:
        start_message(settings, "vad", 16_000)
    assert error.value.field == "latency_ms"


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (TurnSettings("off", 800, 240), False),
        (TurnSettings("silence", 800, 240), True),
        (TurnSettings("silence", 800, eager_threshold=0.4), False),
        (TurnSettings("semantic", eager_threshold=0.4), True),
    ],
)
def test_eager_ends_depend_on_the_setting_of_the_mode(turn: TurnSettings, expected: bool) -> None:
    assert eager(turn) is expected
