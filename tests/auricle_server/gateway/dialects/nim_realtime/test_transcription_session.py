"""NIM's sessions as settings of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.settings import InvalidMessage
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.nim_realtime.transcription_session import TranscriptionSession
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.client_json import JsonObject
from auricle_server.gateway.session.formats.riva_settings import RivaSettings
from auricle_server.model_info import ModelInfo

MODEL = ModelInfo("demo", ("a",), (80, 160), 160, ("en-US", "de-DE"), "en-US", 0.08, 4)
LIMITS = replace(DEFAULT_LIMITS, keyterms=10, keyterm_characters=20)


def settings(**session: Any) -> RivaSettings:
    return TranscriptionSession.default(MODEL).changed(JsonObject(session)).settings(MODEL, LIMITS)


def boosting(*phrases: str, enabled: bool = True, boost: float = 1.0) -> dict[str, Any]:
    return {"enable_word_boosting": enabled, "word_boosting_list": [{"phrases": list(phrases), "boost": boost}]}


def test_by_default() -> None:
    default = settings()
    start = default.start
    assert (start.encoding, start.sample_rate, start.language, start.latency_ms) == ("pcm_s16le", 16_000, "en-US", None)
    assert (start.turn.mode, start.turn.silence_ms, start.keyterms) == ("silence", 500, ())
    assert (start.text_format.numbers, start.text_format.profanity_filter) == ("smart", False)
    assert (default.channels, default.words, default.punctuated, default.wave) == (1, False, False, True)


def test_what_a_client_asks_for() -> None:
    asked = settings(
        input_audio_format="g711_ulaw",
        input_audio_params={"sample_rate_hz": 8_000, "num_channels": 2},
        input_audio_transcription={"language": "de-DE", "model": "any", "prompt": "Siobhán, Kowalczyk"},
        recognition_config={
            "enable_automatic_punctuation": True,
            "enable_word_time_offsets": True,
            "enable_profanity_filter": True,
            "enable_verbatim_transcripts": True,
            "custom_configuration": "latency_ms: 80, turn_mode:semantic,unknown:1",
        },
        word_boosting=boosting("Auricle"),
    )
    start = asked.start
    assert (start.encoding, start.sample_rate, start.language, start.latency_ms) == ("mulaw", 8_000, "de-DE", 80)
    assert (start.turn.mode, start.keyterms) == ("semantic", ("Auricle", "Siobhán", "Kowalczyk"))
    assert (start.text_format.numbers, start.text_format.profanity_filter) == ("words", True)
    assert (asked.channels, asked.words, asked.punctuated, asked.wave) == (2, True, True, False)


def test_boosting_counts_only_where_it_is_on_and_wanted() -> None:
    assert settings(word_boosting=boosting("Auricle", enabled=False)).start.keyterms == ()
    assert settings(word_boosting=boosting("Auricle", boost=-1.0)).start.keyterms == ()


def test_what_an_update_lacks_stays_and_what_is_unknown_is_left_out() -> None:
    session = TranscriptionSession.default(MODEL)
    session = session.changed(JsonObject({"endpointing_config": {"stop_history": 800, "other": 1}, "other": {}}))
    session = session.changed(JsonObject({"endpointing_config": {"stop_history": None}, "input_audio_params": None}))
    shown = session.as_object("sess_1")
    assert shown["endpointing_config"] == {
        **TranscriptionSession.default(MODEL).values["endpointing_config"],
        "stop_history": 800,
    }
    assert "other" not in shown
    assert (shown["id"], shown["client_secret"]) == ("sess_1", None)
    assert session.settings(MODEL, LIMITS).start.turn.silence_ms == 800
    assert session.as_object("sess_1", "secret")["client_secret"] == {"value": "secret"}


@pytest.mark.parametrize(
    ("session", "named"),
    [
        ({"input_audio_format": "opus"}, "input_audio_format: expected one of none, pcm16"),
        ({"input_audio_format": 5}, "input_audio_format: expected a string"),
        ({"input_audio_params": {"sample_rate_hz": 1}}, "sample_rate"),
        ({"input_audio_params": {"sample_rate_hz": "16k"}}, "input_audio_params.sample_rate_hz: expected a number"),
        ({"input_audio_params": {"num_channels": 9}}, "input_audio_params.num_channels: expected 1 to 8"),
        ({"input_audio_params": []}, "input_audio_params: expected an object"),
        ({"input_audio_transcription": {"language": "xx"}}, "input_audio_transcription.language: this server has"),
        ({"recognition_config": {"enable_word_time_offsets": 1}}, "expected a boolean"),
        ({"recognition_config": {"custom_configuration": "word"}}, "expected key:value"),
        ({"recognition_config": {"custom_configuration": {"latency_ms": "x"}}}, "custom_configuration.latency_ms"),
        ({"word_boosting": {"enable_word_boosting": True, "word_boosting_list": {}}}, "expected a list of objects"),
        ({"word_boosting": boosting("x" * 21)}, "word_boosting.word_boosting_list: at most 10 phrases"),
    ],
    ids=str,
)
def test_what_cannot_be_is_named(session: dict[str, Any], named: str) -> None:
    with pytest.raises((BadRequest, InvalidMessage, ProtocolViolation)) as refused:
        settings(**session)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "session",
    [
        {"modalities": [{"a": 1}]},
        {"modalities": 5},
        {"input_audio_params": {"num_channels": "two"}},
        {"speaker_diarization": {"max_speaker_count": [[]]}},
        {"word_boosting": {"word_boosting_list": ["that"]}},
        {"word_boosting": {"word_boosting_list": [{"phrases": [5]}]}},
        {"recognition_config": {"max_alternatives": "\ud800"}},
        {"endpointing_config": {"start_threshold": {}}},
    ],
)
def test_what_goes_back_to_the_client_is_of_its_kind(session: dict[str, Any]) -> None:
    with pytest.raises(ProtocolViolation):
        TranscriptionSession.default(MODEL).changed(JsonObject(session))


def test_updates_follow_each_other() -> None:
    given = {"modalities": ["text"], "word_boosting": boosting("that"), "endpointing_config": {"stop_history": 300}}
    session = TranscriptionSession.default(MODEL).changed(JsonObject(given)).changed(JsonObject(given))
    shown = session.as_object("s")
    assert {name: shown[name] for name in given} == given | {
        "endpointing_config": {**TranscriptionSession.default(MODEL).values["endpointing_config"], "stop_history": 300}
    }
