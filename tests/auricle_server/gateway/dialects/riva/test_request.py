"""Configurations of Riva's clients as settings of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auricle.protocol.settings import TextFormat, TurnSettings
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.riva.messages import ALAW, FLAC, MULAW, OGGOPUS, PCM
from auricle_server.gateway.dialects.riva.request import read_recording, read_streaming
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.formats.riva_settings import RivaSettings
from auricle_server.model_info import ModelInfo
from tests.support.servers.riva import config, first

MODEL = ModelInfo("m", (), (80, 560), 560, ("en-US", "de-DE", "auto"), "en-US", 0.08, 4)
LIMITS = replace(DEFAULT_LIMITS, keyterms=3, keyterm_characters=20)


def read(interim_results: bool = False, **fields: Any) -> RivaSettings:
    return read_streaming(first(interim_results, **fields).streaming_config, MODEL, LIMITS)


@pytest.mark.parametrize(
    ("encoding", "expected"), [(0, "pcm_s16le"), (PCM, "pcm_s16le"), (MULAW, "mulaw"), (ALAW, "alaw")]
)
def test_encodings(encoding: int, expected: str) -> None:
    settings = read(encoding=encoding, sample_rate_hertz=8_000)
    assert (settings.start.encoding, settings.start.sample_rate) == (expected, 8_000)
    assert settings.wave == (expected == "pcm_s16le")


def test_what_is_wanted_of_the_results() -> None:
    settings = read(interim_results=True, enable_word_time_offsets=True, enable_automatic_punctuation=True)
    assert (settings.interims, settings.words, settings.punctuated, settings.start.words) == (True, True, True, True)
    plain = read()
    assert (plain.interims, plain.words, plain.punctuated, plain.start.words) == (False, False, False, False)
    assert plain.start.turn == TurnSettings()


@pytest.mark.parametrize(
    ("asked", "silence_ms", "eager_ms"),
    [
        ({"stop_history": 800}, 800, None),
        ({"stop_history": 800, "stop_history_eou": 320}, 800, 320),
        ({"stop_history": 40, "stop_history_eou": 320}, 80, None),
        ({"stop_history": 99_999}, 10_000, None),
        ({"stop_history_eou": 40}, 500, None),
    ],
)
def test_endpointing(asked: dict[str, int], silence_ms: int, eager_ms: int | None) -> None:
    turn = read(endpointing_config=asked).start.turn
    assert (turn.mode, turn.silence_ms, turn.eager_silence_ms) == ("silence", silence_ms, eager_ms)


@pytest.mark.parametrize(("code", "language"), [("", None), ("en-US", "en-US"), ("de", "de"), ("multi", "auto")])
def test_languages(code: str, language: str | None) -> None:
    assert read(language_code=code).start.language == language


def test_how_words_are_written() -> None:
    assert read().start.text_format == TextFormat("smart")
    verbatim = read(verbatim_transcripts=True, profanity_filter=True).start.text_format
    assert verbatim == TextFormat("words", profanity_filter=True)


def test_custom_configuration() -> None:
    custom = [{"key": "latency_ms", "value": "80"}, {"key": "turn_mode", "value": "semantic"}]
    start = read(custom_configuration=custom).start
    assert (start.latency_ms, start.turn.mode) == (80, "semantic")
    assert read(custom_configuration=[{"key": "neural_vad.onset", "value": "0.65"}]).start == read().start


def test_boosted_phrases_are_key_terms() -> None:
    contexts = [
        {"phrases": ["Auricle", " New  York ", "", "Auricle"], "boost": 4.0},
        {"phrases": ["no"], "boost": -4.0},
    ]
    assert read(speech_contexts=contexts).start.keyterms == ("Auricle", "New York")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"encoding": FLAC}, "encoding"),
        ({"encoding": OGGOPUS}, "encoding"),
        ({"sample_rate_hertz": 1_000}, "sample_rate"),
        ({"language_code": "fr-FR"}, "language_code"),
        ({"audio_channel_count": 9}, "audio_channel_count"),
        ({"audio_channel_count": -1}, "audio_channel_count"),
        ({"speech_contexts": [{"phrases": list("abcd")}]}, "speech_contexts"),
        ({"speech_contexts": [{"phrases": ["x" * 21]}]}, "speech_contexts"),
        ({"custom_configuration": [{"key": "latency_ms", "value": "soon"}]}, "custom_configuration.latency_ms"),
        ({"custom_configuration": [{"key": "latency_ms", "value": "0"}]}, "latency_ms"),
    ],
)
def test_what_cannot_be_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(BadRequest, match=f"^{named}: "):
        read(**fields)


def test_a_recording_is_decoded_before_and_goes_through_the_offline_lane() -> None:
    settings = read_recording(config(encoding=FLAC, sample_rate_hertz=44_100, audio_channel_count=2), MODEL, LIMITS)
    assert (settings.start.encoding, settings.start.sample_rate, settings.channels) == ("pcm_s16le", 16_000, 1)
    assert settings.start.offline
    custom = [{"key": "latency_ms", "value": "80"}]
    live = read_recording(config(custom_configuration=custom), MODEL, LIMITS).start
    assert (live.offline, live.latency_ms) == (False, 80)
