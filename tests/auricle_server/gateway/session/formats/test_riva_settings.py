"""What clients of NVIDIA may ask for, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auricle.protocol.settings import MIN_SILENCE_MS
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.formats import riva_settings
from auricle_server.model_info import ModelInfo

MODEL = ModelInfo("demo", ("a",), (80, 160), 160, ("en-US", "de-DE"), "en-US", 0.08, 4)
LIMITS = replace(DEFAULT_LIMITS, keyterms=3, keyterm_characters=10)


def test_silences_are_bounded_and_zero_is_the_default() -> None:
    assert riva_settings.turn(0, 0, {}).silence_ms == riva_settings.turn(-1, -1, {}).silence_ms == 500
    assert riva_settings.turn(1, 0, {}).silence_ms == MIN_SILENCE_MS
    assert riva_settings.turn(800, 320, {}).eager_silence_ms == 320
    assert riva_settings.turn(800, 800, {}).eager_silence_ms is None
    assert riva_settings.turn(800, 320, {"turn_mode": "semantic"}).mode == "semantic"


def test_languages_are_those_of_the_model() -> None:
    assert riva_settings.language("", MODEL, "code") is None
    assert riva_settings.language("multi", MODEL, "code") is None
    assert riva_settings.language("de-DE", MODEL, "code") == "de-DE"
    with pytest.raises(BadRequest, match="code: this server has en-US, de-DE, not 'xx'"):
        riva_settings.language("xx", MODEL, "code")


def test_phrases_with_a_negative_boost_are_left_out() -> None:
    boosted = [(["one  two", "", "one two"], 5.0), (["three"], -5.0)]
    assert riva_settings.phrases(boosted, LIMITS, "phrases") == ("one two",)
    with pytest.raises(BadRequest, match="phrases: at most 3 phrases of 10 characters, got 1 of up to 11"):
        riva_settings.phrases([(["elevenchars"], 0.0)], LIMITS, "phrases")


@pytest.mark.parametrize("value", ["", "-1", "1.5", "1234567", "x", "²"])
def test_a_latency_that_is_no_number_is_refused(value: str) -> None:
    assert riva_settings.latency({}) is None
    with pytest.raises(BadRequest, match=r"custom_configuration\.latency_ms"):
        riva_settings.latency({"latency_ms": value})


def test_channels() -> None:
    assert [riva_settings.channel_count(count, "n") for count in (0, 1, 8)] == [1, 1, 8]
    for count in (-1, 9):
        with pytest.raises(BadRequest, match="n: expected 1 to 8"):
            riva_settings.channel_count(count, "n")


def test_numbers_are_written_unless_they_are_wanted_verbatim() -> None:
    assert riva_settings.text_format(verbatim=False, profanity_filter=True).numbers == "smart"
    assert riva_settings.text_format(verbatim=True, profanity_filter=False).numbers == "words"
