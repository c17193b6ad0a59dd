"""Configuration: defaults, the environment, and what cannot be."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from auricle_server.config import ConfigError, ServerConfig, from_environment
from auricle_server.telemetry.settings import TelemetryConfig


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_environment({}) == ServerConfig()


def test_every_setting_has_its_variable() -> None:
    config = from_environment(
        {
            "AURICLE_HOST": "0.0.0.0",
            "AURICLE_PORT": "9000",
            "AURICLE_MODEL": "nvidia/nemotron-speech-streaming-en-0.6b",
            "AURICLE_DEVICE": "cuda",
            "AURICLE_DEFAULT_LATENCY_MS": "80",
            "AURICLE_SLOTS": "6000",
            "AURICLE_MAX_LOAD": "0.6",
            "AURICLE_WORKERS": "8",
            "AURICLE_GATEWAYS": "16",
            "AURICLE_DTYPE": "int8",
            "AURICLE_THREADS": "2",
            "AURICLE_API_KEYS": "one, two,",
            "AURICLE_TLS_CERT": "server.crt",
            "AURICLE_TLS_KEY": "server.key",
            "AURICLE_ALLOWED_ORIGINS": "https://app.example.com, http://localhost:3000",
            "AURICLE_HEADER_SECONDS": "5",
            "AURICLE_START_SECONDS": "3",
            "AURICLE_MAX_CONNECTIONS": "100",
            "AURICLE_MAX_CONNECTIONS_PER_ADDRESS": "10",
            "AURICLE_MAX_UPLOAD_MB": "100",
            "AURICLE_RIVA_PORT": "50051",
            "AURICLE_CONSOLE": "off",
            "AURICLE_TOKEN_SECRET": "s" * 32,
            "AURICLE_KEYS_FILE": "keys.toml",
            "AURICLE_NO_AUTH": "yes",
            "AURICLE_REQUIRE_AUTH": "True",
            "AURICLE_USAGE_FILE": "usage.jsonl",
            "AURICLE_DRAIN_SECONDS": "1.5",
            "AURICLE_STALL_SECONDS": "3",
            "AURICLE_RESUME_SECONDS": "4",
            "AURICLE_SERVER_NAME": "auricle-1",
            "AURICLE_RETRY_AFTER_SECONDS": "7",
            "AURICLE_STANDBY": "off",
            "AURICLE_TURN_MODELS": "require",
            "AURICLE_CURES": "warm-up",
            "AURICLE_LOG_LEVEL": "debug",
            "AURICLE_LOG_FORMAT": "JSON",
            "AURICLE_ACCESS_LOG": "off",
            "AURICLE_LOG_CONTENT": "redacted",
            "AURICLE_LOG_REDACT": "numbers, emails,",
            "AURICLE_TRACES": "require",
            "AURICLE_IDLE_SECONDS": "30",
            "AURICLE_MESSAGE_BYTES": "65536",
            "AURICLE_BUFFERED_SECONDS": "4",
            "AURICLE_STREAM_SECONDS": "60",
            "UNRELATED": "x",
        }
    )
    assert (config.host, config.port, config.slots, config.workers, config.gateways) == ("0.0.0.0", 9000, 6000, 8, 16)
    assert (config.api_keys, config.drain_seconds, config.log_level) == (("one", "two"), 1.5, "DEBUG")
    assert config.allowed_origins == ("https://app.example.com", "http://localhost:3000")
    assert (config.limits.idle_seconds, config.limits.message_bytes) == (30.0, 65536)
    assert (config.limits.buffered_seconds, config.limits.stream_seconds) == (4.0, 60.0)
    assert (config.telemetry.log_format, config.telemetry.log_redact) == ("json", ("numbers", "emails"))
    defaults = ServerConfig()
    telemetry = [field.name for field in fields(TelemetryConfig)]
    assert all(getattr(config.telemetry, name) != getattr(defaults.telemetry, name) for name in telemetry)
    assert all(getattr(config, name) != getattr(defaults, name) for name in ServerConfig.__slots__)


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(ServerConfig(api_keys=("secret",)))


@pytest.mark.parametrize("variable", ["AURICLE_API_KEYS", "AURICLE_KEYS_FILE"])
@pytest.mark.parametrize("value", ["", " ", "\t\n"])
def test_a_secret_that_is_set_to_nothing_is_an_error(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable} is set but names no (api key|keys file): .*--no-auth"):
        from_environment({variable: value})


@pytest.mark.parametrize("value", [",", " , ,", ",,,"])
def test_commas_without_a_key_are_an_error(value: str) -> None:
    with pytest.raises(ConfigError, match="AURICLE_API_KEYS is set but names no api key"):
        from_environment({"AURICLE_API_KEYS": value})


@pytest.mark.parametrize(("value", "meant"), [("0", False), ("off", False), ("False", False), ("1", True), ("", False)])
def test_a_flag_is_on_only_where_its_variable_says_so(value: str, meant: bool) -> None:
    assert from_environment({"AURICLE_NO_AUTH": value}).no_auth is meant


def test_a_flag_that_is_neither_is_named() -> None:
    with pytest.raises(ConfigError, match="AURICLE_NO_AUTH: expected true or false, got 'maybe'"):
        from_environment({"AURICLE_NO_AUTH": "maybe"})


@pytest.mark.parametrize(
    ("variable", "value"), [("AURICLE_PORT", "http"), ("AURICLE_DRAIN_SECONDS", "soon"), ("AURICLE_SLOTS", "1.5")]
)
def test_a_variable_that_is_no_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        from_environment({variable: value})


@pytest.mark.parametrize(
    "options",
    [
        {"slots": 0},
        {"port": 70000},
        {"workers": 0},
        {"max_load": 1.5},
        {"max_load": -0.1},
        {"drain_seconds": -1},
        {"drain_seconds": float("inf")},
        {"resume_seconds": float("nan")},
        {"retry_after_seconds": -1},
        {"server_name": "auricle.1"},
        {"server_name": "a" * 64},
        {"stall_seconds": 0},
        {"stall_seconds": float("nan")},
        {"gateways": 100_000},
        {"workers": 10**6},
        {"threads": 10**9},
        {"slots": 10**12},
        {"api_keys": ("",)},
        {"tls_key": "server.key"},
        {"allowed_origins": ("https://a.example/page",)},
        {"allowed_origins": ("",)},
        {"header_seconds": 0},
        {"header_seconds": float("inf")},
        {"start_seconds": float("nan")},
        {"max_connections": 0},
        {"max_connections_per_address": 0},
        {"api_keys": ("one", " ")},
        {"api_keys": (" one",)},
        {"api_keys": ("one\ntwo",)},
        {"keys_file": ""},
        {"usage_file": ""},
        {"log_level": "LOUD"},
    ],
)
def test_a_setting_that_cannot_be_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ServerConfig(**options)


@pytest.mark.parametrize("name", ["AURICLE_IDLE_SECONDS", "AURICLE_BUFFERED_SECONDS", "AURICLE_STREAM_SECONDS"])
@pytest.mark.parametrize("value", ["-1", "0", "nan", "inf"])
def test_limits_are_finite_and_above_zero(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name.removeprefix("AURICLE_").lower()):
        from_environment({name: value})


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(ConfigError, match="dtype: expected auto, float32, bfloat16, fp16-weights, int8"):
        ServerConfig(dtype="half")
