"""When spans are made, and what that costs a server that makes none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.start_checks import can_start
from auricle_server.telemetry.settings import TelemetryConfig
from auricle_server.telemetry.tracing import (
    MISSING,
    TracesUnavailable,
    check_traces,
    is_installed,
    open_tracing,
    wants_traces,
)
from tests.support import tones

AUTO, OFF, REQUIRE = (TelemetryConfig(traces=traces) for traces in ("auto", "off", "require"))
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("config", "environment", "wanted"),
    [
        (AUTO, {}, False),
        (AUTO, {"OTEL_EXPORTER_OTLP_ENDPOINT": " ", "OTEL_SERVICE_NAME": "x"}, False),
        (AUTO, ENDPOINT, True),
        (AUTO, {"OTEL_TRACES_EXPORTER": "console"}, True),
        (OFF, ENDPOINT, False),
        (REQUIRE, {}, True),
    ],
)
def test_when_traces_are_wanted(config: TelemetryConfig, environment: dict[str, str], wanted: bool) -> None:
    assert wants_traces(config, environment) is wanted


@pytest.mark.parametrize("variable", ["OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"])
def test_a_variable_that_cannot_be_used_stops_no_server_but_one_that_requires_traces(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ENDPOINT["OTEL_EXPORTER_OTLP_ENDPOINT"])
    monkeypatch.setenv(variable, "pigeons")
    assert open_tracing(AUTO) is None
    assert f"{variable}: expected" in caplog.text
    check_traces(AUTO)
    with pytest.raises(TracesUnavailable, match=variable):
        check_traces(REQUIRE)
    assert not can_start(ServerConfig(model=str(tones.CHECKPOINT), telemetry=REQUIRE))


@pytest.mark.parametrize("name", ["OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"])
def test_variables_of_opentelemetry_turn_traces_off(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ENDPOINT["OTEL_EXPORTER_OTLP_ENDPOINT"])
    monkeypatch.setenv(name, "none" if name == "OTEL_TRACES_EXPORTER" else "true")
    assert open_tracing(REQUIRE) is None


def test_without_the_extra_a_server_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ENDPOINT["OTEL_EXPORTER_OTLP_ENDPOINT"])
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Absent(), *sys.meta_path])
    assert not is_installed()
    assert open_tracing(AUTO) is None
    assert MISSING in caplog.text
    with pytest.raises(TracesUnavailable, match="pip install"):
        check_traces(REQUIRE)


class _Absent:
    """Finds nothing where OpenTelemetry is asked for."""

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)


@pytest.mark.slow
def test_without_traces_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys, auricle_server.gateway.http.server, auricle_server.serving.supervisor, auricle\n"
        "from auricle_server.telemetry.tracing import open_tracing\n"
        "from auricle_server.telemetry.settings import TelemetryConfig\n"
        "assert open_tracing(TelemetryConfig()) is None\n"
        "from auricle._connection.trace_context import trace_headers\n"
        "assert trace_headers() == {}\n"
        "sys.exit(any(name.partition('.')[0] == 'opentelemetry' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
