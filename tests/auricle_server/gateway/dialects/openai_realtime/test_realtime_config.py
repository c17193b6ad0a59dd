"""Sessions of both shapes as settings of a stream."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.settings import InvalidMessage, TurnSettings
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.openai_realtime.realtime_config import RealtimeConfig
from auricle_server.gateway.session.client_json import JsonObject
from auricle_server.model_info import ModelInfo

MODEL = ModelInfo(
    name="m",
    pieces=(),
    latencies_ms=(80, 160, 560, 1120),
    default_latency_ms=160,
    languages=("en-US", "es-ES", "auto"),
    default_language="auto",
    frame_seconds=0.08,
    slots=1,
)


def changed(config: RealtimeConfig | None = None, /, **given: Any) -> RealtimeConfig:
    return (config or RealtimeConfig()).changed(JsonObject({"audio": {"input": given}}))


def test_without_a_word_the_server_ends_turns() -> None:
    start = RealtimeConfig().start(MODEL, DEFAULT_LIMITS)
    assert (start.encoding, start.sample_rate, start.language) == ("pcm_s16le", 24_000, "auto")
    assert start.turn == TurnSettings("silence", silence_ms=500)


@pytest.mark.parametrize(
    ("detection", "turn"),
    [
        (None, TurnSettings("off")),
        ({"type": "server_vad", "silence_duration_ms": 350}, TurnSettings("silence", silence_ms=350)),
        ({"silence_duration_ms": 1}, TurnSettings("silence", silence_ms=80)),
        ({"type": "server_vad", "silence_duration_ms": 1e6}, TurnSettings("silence", silence_ms=10_000)),
        ({"type": "semantic_vad"}, TurnSettings("semantic", end_threshold=0.75, max_silence_ms=4000)),
        (
            {"type": "semantic_vad", "eagerness": "high"},
            TurnSettings("semantic", end_threshold=0.6, max_silence_ms=2000),
        ),
        (
            {"type": "semantic_vad", "eagerness": "low"},
            TurnSettings("semantic", end_threshold=0.85, max_silence_ms=8000),
        ),
    ],
)
def test_turn_detection_becomes_ours(detection: dict[str, Any] | None, turn: TurnSettings) -> None:
    assert changed(turn_detection=detection).turn == turn
    assert RealtimeConfig().changed(JsonObject({"turn_detection": detection})).turn == turn


@pytest.mark.parametrize(
    ("given", "old", "encoding", "rate"),
    [
        ({"type": "audio/pcm", "rate": 24_000}, "pcm16", "pcm_s16le", 24_000),
        ({"type": "audio/pcmu"}, "g711_ulaw", "mulaw", 8_000),
        ({"type": "audio/pcma"}, "g711_alaw", "alaw", 8_000),
    ],
)
def test_both_shapes_name_the_audio(given: dict[str, Any], old: str, encoding: str, rate: int) -> None:
    for config in (changed(format=given), RealtimeConfig().changed(JsonObject({"input_audio_format": old}))):
        assert (config.encoding, config.sample_rate) == (encoding, rate)
        assert config.as_session("s", older=False)["audio"]["input"]["format"]["type"] == given["type"]
        assert config.as_session("s", older=True)["input_audio_format"] == old
    assert changed(format={"type": "audio/pcm", "rate": 16_000}).sample_rate == 16_000


def test_what_an_update_lacks_stays() -> None:
    first = changed(transcription={"model": "m", "language": "en", "keywords": ["Auricle"]}, turn_detection=None)
    second = changed(first, transcription={"prompt": "Flux, Nova"})
    assert (second.languages, second.keywords, second.turn_detection) == (("en",), ("Auricle",), None)
    assert set(second.start(MODEL, DEFAULT_LIMITS).keyterms) == {"Auricle", "Flux", "Nova"}


@pytest.mark.parametrize(
    ("transcription", "language"),
    [
        ({}, "auto"),
        ({"language": "es"}, "es"),
        ({"languages": ["es"]}, "es"),
        ({"languages": ["es", "en"]}, "auto"),
        ({"language": ""}, "auto"),
    ],
)
def test_one_language_is_decoded_and_several_are_detected(transcription: dict[str, Any], language: str) -> None:
    assert changed(transcription=transcription).language(MODEL.languages) == language
    assert changed(transcription={}).language(("en-US", "es-ES")) is None


def test_models_that_take_no_turn_detection_leave_turns_to_their_clients() -> None:
    assert changed(transcription={"model": "gpt-realtime-whisper"}).turn.mode == "off"
    given = changed(transcription={"model": "gpt-realtime-whisper"}, turn_detection={"type": "server_vad"})
    assert given.turn.mode == "silence"


@pytest.mark.parametrize(
    ("delay", "latency_ms"), [("minimal", 80), ("low", 160), ("medium", 560), ("high", 560), ("xhigh", 1120)]
)
def test_a_delay_chooses_the_latency(delay: str, latency_ms: int) -> None:
    config = changed(transcription={"delay": delay})
    assert config.start(MODEL, DEFAULT_LIMITS).latency_ms == latency_ms
    assert changed(RealtimeConfig(latency_ms=560), transcription={"delay": delay}).latency(MODEL.latencies_ms) == 560


def test_an_update_names_what_has_changed() -> None:
    old = changed(transcription={"language": "en"})
    update = changed(old, turn_detection=None).update(old, MODEL, DEFAULT_LIMITS)
    assert (update.turn, update.language, update.keyterms, update.latency_ms) == (TurnSettings("off"), None, None, None)
    with pytest.raises(InvalidMessage, match="format"):
        changed(old, format={"type": "audio/pcmu"}).update(old, MODEL, DEFAULT_LIMITS)


@pytest.mark.parametrize(
    "given",
    [
        {"format": {"type": "audio/opus"}},
        {"format": 3},
        {"transcription": {"delay": "long"}},
        {"transcription": {"language": 3}},
        {"turn_detection": "server_vad"},
    ],
)
def test_what_openai_does_not_have_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises((InvalidMessage, ProtocolViolation), match="expected"):
        changed(**given)


@pytest.mark.parametrize(
    "detection",
    [{"type": "manual"}, {"type": "semantic_vad", "eagerness": "very"}, {"silence_duration_ms": "x"}, {"type": 3}],
)
def test_turn_detection_that_is_none_is_refused(detection: dict[str, Any]) -> None:
    with pytest.raises((InvalidMessage, ProtocolViolation), match="turn_detection"):
        _ = changed(turn_detection=detection).turn


def test_the_older_shape_sets_the_same() -> None:
    session = {
        "input_audio_format": "g711_ulaw",
        "input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "es", "prompt": "Flux, Nova"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 700},
        "input_audio_noise_reduction": {"type": "near_field"},
        "include": ["item.input_audio_transcription.logprobs"],
    }
    config = RealtimeConfig().changed(JsonObject(session))
    shown = config.as_session("s", older=True)
    assert {name: shown[name] for name in session if name != "input_audio_transcription"} == {
        name: value for name, value in session.items() if name != "input_audio_transcription"
    }
    start = config.start(MODEL, DEFAULT_LIMITS)
    assert (start.encoding, start.language, start.turn.silence_ms) == ("mulaw", "es", 700)


@pytest.mark.parametrize("value", ["near_field", ["near_field"], {"type": 5}, {"type": "\ud800"}, float("nan")])
@pytest.mark.parametrize("name", ["noise_reduction", "turn_detection"])
def test_what_goes_back_to_the_client_is_checked(name: str, value: Any) -> None:
    with pytest.raises(ProtocolViolation):
        changed(**{name: value})


def test_only_known_fields_go_back_to_the_client() -> None:
    config = changed(
        turn_detection={"type": "server_vad", "silence_duration_ms": 300, "x": float("nan")},
        noise_reduction={"type": "far_field", "y": "\ud800"},
    )
    given = config.as_session("s", older=False)["audio"]["input"]
    assert given["turn_detection"] == {"type": "server_vad", "silence_duration_ms": 300}
    assert given["noise_reduction"] == {"type": "far_field"}
