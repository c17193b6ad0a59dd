"""The entry for Pipecat's stt-benchmark: what its registry needs, and a service that a pipeline can run."""

from __future__ import annotations

import pytest

from pipecat_auricle import AuricleSTTService
from tests.bench.stt_benchmark import services_auricle as entry

FIELDS = {"factory", "vendor", "model_label", "required_env_vars", "needs_aiohttp", "is_current"}


def test_the_definition_has_only_fields_of_the_benchmark() -> None:
    assert FIELDS - {"needs_aiohttp", "is_current"} == set(entry.DEFINITION)
    assert entry.DEFINITION["factory"] is entry.create_auricle


def test_the_factory_builds_a_service_whose_turns_are_the_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_URL", "ws://127.0.0.1:1")
    service = entry.create_auricle()
    assert isinstance(service, AuricleSTTService)
    assert service.supports_ttfs
    assert service._settings.latency_ms == entry.LATENCY_MS


def test_without_an_address_the_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AURICLE_URL", raising=False)
    with pytest.raises(KeyError, match="AURICLE_URL"):
        entry.create_auricle()
