"""The settings of logs and traces."""

from __future__ import annotations

import pytest

from auricle_server.config import ConfigError, from_environment
from auricle_server.telemetry.settings import TelemetryConfig, comma_separated


@pytest.mark.parametrize(
    ("name", "value"),
    [("log_format", "xml"), ("log_content", "some"), ("traces", "on"), ("log_redact", "names"), ("log_redact", ",")],
)
def test_an_unknown_value_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        from_environment({f"AURICLE_{name.upper()}": value})
    with pytest.raises(ValueError, match=f"{name}: expected"):
        TelemetryConfig(**{name: comma_separated(value) if name == "log_redact" else value})  # type: ignore[arg-type]


def test_a_truth_is_read_as_people_write_it() -> None:
    assert not from_environment({"AURICLE_ACCESS_LOG": "No"}).telemetry.access_log
    with pytest.raises(ConfigError, match="AURICLE_ACCESS_LOG: expected true or false"):
        from_environment({"AURICLE_ACCESS_LOG": "perhaps"})
