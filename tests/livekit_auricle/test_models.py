"""Options and the messages that carry them."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents import NOT_GIVEN

from auricle.protocol import Start, TurnSettings, Update
from auricle.protocol.settings import TextFormat, TurnMode
from livekit.plugins.auricle import STTOptions, models
from livekit.plugins.auricle.models import TurnDetection, code_of, language_asked_for


@pytest.mark.parametrize(("flushes", "turn"), [(True, TurnSettings("off")), (False, TurnSettings(silence_ms=300))])
def test_the_defaults_leave_all_to_the_server_and_turns_to_the_session(
    flushes: bool, turn: TurnSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that does not flush needs finals at pauses."""
    monkeypatch.setattr(models, "SESSION_FLUSHES", flushes)
    assert STTOptions().start() == Start(sample_rate=16_000, turn=turn)


def test_a_start_has_all_options() -> None:
    options = STTOptions(
        turn_detection="server",
        language="german",
        latency_ms=160,
        turn_mode="semantic",
        eager_threshold=0.3,
        keyterms=("Auricle",),
        refine="on",
        text_format=TextFormat("smart"),
        sample_rate=8_000,
    )
    turn = TurnSettings("semantic", eager_threshold=0.3)
    assert options.start() == Start(
        sample_rate=8_000,
        latency_ms=160,
        language="de",
        turn=turn,
        keyterms=("Auricle",),
        refine="on",
        text_format=TextFormat("smart"),
    )


@pytest.mark.parametrize("detection", ["session", "server"])
def test_bounds_and_dictation_hold_whoever_detects_turns(
    detection: TurnDetection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "SESSION_FLUSHES", True)
    options = STTOptions(turn_detection=detection, max_turn_seconds=20, expect="letters")
    mode: TurnMode = "off" if detection == "session" else "silence"
    turn = TurnSettings(mode, max_turn_seconds=20, expect="letters")
    assert options.start().turn == turn
    assert options.update({"expect": "letters"}) == Update(turn=turn)


def test_an_update_has_what_changed_and_key_terms_go_by_themselves() -> None:
    options = STTOptions(turn_detection="server", latency_ms=160, silence_ms=900, keyterms=("Auricle",))
    assert options.update({"latency_ms": 160}) == Update(latency_ms=160)
    assert options.update({"silence_ms": 900}) == Update(turn=TurnSettings("silence", 900))
    assert options.update({"keyterms": ("Auricle",)}) is None
    assert options.update({"text_format": TextFormat("numerals")}) == Update(text_format=TextFormat("numerals"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"turn_detection": "vad"},
        {"turn_mode": "off"},
        {"turn_mode": "semantic"},
        {"eager_silence_ms": 200},
        {"eager_threshold": 0.3},
        {"refine": "yes"},
        {"text_format": "smart"},
        {"latency_ms": 160.0},
        {"max_turn_seconds": 0.5},
        {"expect": "words"},
    ],
)
def test_an_error_names_the_option(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        STTOptions(**wrong)


def test_a_recording_has_no_turns() -> None:
    options = STTOptions(turn_detection="server", eager_silence_ms=200, language="de", latency_ms=80)
    assert options.decided_by_session() == STTOptions(language="de", latency_ms=80)
    assert options.recording(8_000) == Start(sample_rate=8_000, language="de", turn=TurnSettings("off"), offline=True)


@pytest.mark.parametrize(("named", "code"), [("german", "de"), ("de_DE", "de-DE"), ("auto", "auto"), (None, None)])
def test_a_language_has_many_names(named: str | None, code: str | None) -> None:
    assert code_of(named) == code


def test_detection_is_a_language_of_its_own() -> None:
    assert language_asked_for(NOT_GIVEN, True) == "auto"
    assert language_asked_for("de", NOT_GIVEN) == "de"
    assert language_asked_for("de", False) == "de"
    with pytest.raises(ValueError, match="contradicts"):
        language_asked_for("de", True)
    with pytest.raises(ValueError, match="needs a language"):
        language_asked_for(NOT_GIVEN, False)


def test_the_model_is_asked_for_in_streams_and_in_recordings() -> None:
    options = STTOptions(model="multi")
    assert (options.start().model, options.recording(16_000).model) == ("multi", "multi")
    assert STTOptions().start().model is None
