"""Flux' parameters as settings of a stream."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import MultiDict

from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.settings import InvalidMessage, TextFormat, TurnSettings
from auricle_server.gateway.dialects.flux.settings import (
    FluxSettings,
    language_of,
    read_settings,
    read_start,
    unserved,
)
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.client_json import JsonObject

OFFERED = ("en-US", "es-ES", "auto")


def query(**values: Any) -> MultiDict[str]:
    pairs = [(name, each) for name, given in values.items() for each in (given if isinstance(given, list) else [given])]
    return MultiDict((name, str(value)) for name, value in pairs)


def test_the_defaults_are_those_of_flux() -> None:
    turn = read_settings(query(model="flux-general-en")).turn
    assert turn == TurnSettings("semantic", end_threshold=0.7, max_silence_ms=5000)


def test_thresholds_become_turn_detection() -> None:
    given = read_settings(query(eot_threshold=0.8, eager_eot_threshold=0.4, eot_timeout_ms=1500))
    assert given.turn == TurnSettings("semantic", end_threshold=0.8, eager_threshold=0.4, max_silence_ms=1500)


def test_an_eager_threshold_as_high_as_the_other_never_comes_first() -> None:
    assert read_settings(query(eot_threshold=0.8, eager_eot_threshold=0.8)).turn.eager_threshold is None


def test_a_threshold_of_one_leaves_the_end_to_the_timeout() -> None:
    assert read_settings(query(eot_threshold=1.0, eot_timeout_ms=3000)).turn == TurnSettings("silence", silence_ms=3000)


def test_no_stream_waits_for_longer_than_ten_seconds() -> None:
    given = query(eot_threshold=1.0, eot_timeout_ms=60_000)
    assert read_settings(given).turn.silence_ms == 10_000
    assert list(unserved(given)) == ["eot_timeout_ms above 10000"]


@pytest.mark.parametrize(
    "given",
    [
        {"eot_threshold": "high"},
        {"eot_threshold": "nan"},
        {"eot_threshold": 0},
        {"eot_threshold": 1.1},
        {"eager_eot_threshold": 0.9},
        {"eot_timeout_ms": 10},
        {"eot_timeout_ms": "1e400"},
    ],
)
def test_what_is_no_threshold_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match=next(iter(given))):
        read_settings(query(**given))


def test_the_audio_is_what_the_url_says() -> None:
    given = query(encoding="mulaw", sample_rate=8000, keyterm=["Auricle", "Flux"], latency_ms=160)
    start, _ = read_start(given, read_settings(given), OFFERED)
    assert (start.encoding, start.sample_rate, start.latency_ms) == ("mulaw", 8000, 160)
    assert start.keyterms == ("Auricle", "Flux")
    assert start.interim_words


@pytest.mark.parametrize(("encoding", "container"), [("", None), ("ogg-opus", "ogg"), ("opus", "opus")])
def test_the_audio_may_be_in_a_container(encoding: str, container: str | None) -> None:
    start, audio = read_start(query(encoding=encoding), FluxSettings(), OFFERED)
    assert (start.encoding, start.sample_rate) == ("pcm_s16le", 16_000)
    assert (audio.contained, audio.container) == (True, container)
    assert not read_start(query(sample_rate=8000), FluxSettings(), OFFERED)[1].contained


@pytest.mark.parametrize("given", [{"encoding": "speex"}, {"sample_rate": 4000}, {"sample_rate": 16000.5}])
def test_audio_that_the_server_cannot_read_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises((InvalidMessage, BadRequest), match=next(iter(given))):
        read_start(query(**given), FluxSettings(), OFFERED)


@pytest.mark.parametrize(
    ("model", "hints", "language"),
    [
        ("flux-general-en", (), "en"),
        ("flux-general-multi", (), "auto"),
        ("flux-general-multi", ("es",), "es"),
        ("flux-general-multi", ("es", "en"), "auto"),
        ("flux-general-multi", ("fr",), None),
        ("flux-2", (), None),
    ],
)
def test_the_model_and_its_hints_choose_the_language(model: str, hints: tuple[str, ...], language: str | None) -> None:
    assert language_of(model, hints, OFFERED) == language


def test_what_is_not_served_is_named() -> None:
    given = query(model="flux-general-en", redact="numbers", numerals="true", profanity_filter="false", tag=["a", "b"])
    assert list(unserved(given)) == ["redact"]


def test_numbers_and_profane_words_are_written_as_asked() -> None:
    given = query(numerals="true", profanity_filter="false")
    settings = read_settings(given)
    assert read_start(given, settings, OFFERED)[0].text_format == TextFormat("numerals")
    changed = settings.configured(JsonObject({"numerals": False, "profanity_filter": True}))
    assert changed.text_format == TextFormat("words", profanity_filter=True)


def test_configure_changes_what_it_names() -> None:
    before = FluxSettings(0.8, 0.4, 3000, ("Auricle",), ("es",))
    message = {"thresholds": {"eot_threshold": 0.6}, "keyterms": "Flux", "language_hints": []}
    assert before.configured(JsonObject(message)) == FluxSettings(0.6, 0.4, 3000, ("Flux",), ())
    off = before.configured(JsonObject({"thresholds": {"eager_eot_threshold": None, "eot_threshold": None}}))
    assert off == FluxSettings(0.8, None, 3000, ("Auricle",), ("es",))


@pytest.mark.parametrize(
    "message",
    [
        {"numerals": 1},
        {"thresholds": 1},
        {"thresholds": {"eot_threshold": "x"}},
        {"keyterms": [1]},
        {"language_hints": {}},
    ],
)
def test_a_configure_of_wrong_types_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ProtocolViolation, match="expected"):
        FluxSettings().configured(JsonObject(message))
