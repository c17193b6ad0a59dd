"""What can change in a running stream, and the value after a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import Error
from pipecat_auricle.live_settings import LiveSettings
from pipecat_auricle.settings import AuricleSTTSettings
from tests.support.scripted.script import READY

KEYTERMS = replace(READY, limits=replace(READY.limits, keyterms=2, keyterm_characters=10))


def live(**given: Any) -> LiveSettings:
    settings = LiveSettings(AuricleSTTSettings(**given), "vad")
    settings.ready = KEYTERMS
    return settings


def changed(settings: LiveSettings, **values: Any) -> Update | None:
    return settings.record(settings.settings.apply_update(AuricleSTTSettings(**values)))


def refused(code: str) -> Error:
    return Error(code=code, fault="client", fatal=False, message="no")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"latency_ms": 90}, "latency_ms: 90 is not one of 80, 160, 560"),
        ({"latency_ms": None}, "latency_ms cannot go back"),
        ({"language": None}, "language cannot go back"),
        ({"silence_ms": 1}, "silence_ms"),
        ({"keyterms": ["a", "b", "c"]}, "keyterms: the server takes 2 of at most 10 characters"),
        ({"keyterms": ["much too long"]}, "keyterms: the server takes 2 of at most 10 characters"),
    ],
)
def test_an_impossible_change_is_objected_to_and_changes_nothing(change: dict[str, Any], why: str) -> None:
    settings = live(latency_ms=80, language="en-US")
    before = settings.settings.given_fields()
    assert why in str(settings.objection(AuricleSTTSettings(**change)))
    assert settings.settings.given_fields() == before


def test_before_the_first_connection_the_server_decides() -> None:
    settings = live()
    settings.ready = None
    assert settings.objection(AuricleSTTSettings(latency_ms=90, keyterms=["a", "b", "c"])) is None


def test_a_change_becomes_one_message_and_one_without_effect_none() -> None:
    settings = live()
    assert changed(settings, latency_ms=160, keyterms=["Auricle"]) == Update(latency_ms=160, keyterms=("Auricle",))
    assert changed(settings, latency_ms=160) is None
    assert changed(settings, extra={"punctuate": True}) is None


def test_the_model_is_left_to_the_server() -> None:
    delta = live().without_model(AuricleSTTSettings(model="another", latency_ms=160))
    assert delta.given_fields() == {"latency_ms": 160}


@pytest.mark.parametrize(
    ("languages", "left"), [(["tlh"], "en-US"), (["de-DE", "tlh"], "de-DE"), (["tlh", "de-DE"], "de-DE")]
)
def test_a_refused_setting_goes_back_to_the_latest_that_the_server_has(languages: list[str], left: str) -> None:
    settings = live(language="en-US")
    for language in languages:
        changed(settings, language=language)
    settings.restore_refused(refused("unsupported_language"))
    assert settings.settings.language == left


def test_an_error_about_no_setting_restores_none() -> None:
    settings = live()
    changed(settings, latency_ms=160)
    settings.restore_refused(refused("internal"))
    assert settings.settings.latency_ms == 160


def test_the_latency_is_the_settings_or_the_servers() -> None:
    settings = live()
    assert settings.latency_seconds == 0.08
    changed(settings, latency_ms=560)
    assert settings.latency_seconds == 0.56


def test_the_model_that_was_asked_for_stays_whatever_name_the_server_says() -> None:
    live = LiveSettings(AuricleSTTSettings(model="multi"), "server")
    assert live.start_message(16_000).model == "multi"
    live.settings.model = "another-servers-name"
    assert live.start_message(16_000).model == "multi"
    assert LiveSettings(None, "server").start_message(16_000).model is None
