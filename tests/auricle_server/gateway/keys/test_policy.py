"""Which servers start, and what their operators are told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from auricle_server.config import ConfigError, ServerConfig
from auricle_server.gateway.keys.policy import check_access

LONG = "x" * 32


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.1.2.3", "::ffff:10.0.0.1", "no-such-host.invalid"])
def test_a_server_that_others_reach_without_a_key_is_warned_of(host: str) -> None:
    (warning,) = check_access(ServerConfig(host=host))
    assert warning.startswith("EVERYONE WHO REACHES ITS PORT MAY USE THIS SERVER: ")
    for words in ("AURICLE_API_KEYS", "AURICLE_KEYS_FILE", "--no-auth"):
        assert words in warning
    assert check_access(ServerConfig(host=host, no_auth=True)) == []
    assert check_access(ServerConfig(host=host, api_keys=(LONG,))) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"])
def test_a_server_that_only_this_machine_reaches_needs_no_key(host: str) -> None:
    assert check_access(ServerConfig(host=host)) == []


def test_a_short_key_is_warned_of_and_not_shown() -> None:
    (warning,) = check_access(ServerConfig(api_keys=(LONG, "change-me")))
    assert "shorter than 16 characters" in warning
    assert "change-me" not in warning


@pytest.mark.parametrize("options", [{"api_keys": (LONG,)}, {"keys_file": "keys.toml"}])
def test_no_auth_beside_keys_contradicts_itself(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="no_auth: expected no API keys beside it"):
        check_access(ServerConfig(no_auth=True, **options))


def test_a_server_that_must_have_a_key_asks_for_it() -> None:
    with pytest.raises(ConfigError, match=r"this server needs a key: set AURICLE_API_KEYS.*--no-auth"):
        check_access(ServerConfig(require_auth=True))
    assert check_access(ServerConfig(require_auth=True, api_keys=(LONG,))) == []
    assert check_access(ServerConfig(require_auth=True, no_auth=True, host="0.0.0.0")) == []


def test_a_keys_file_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    with pytest.raises(ConfigError, match=r"keys file .*: no such file"):
        check_access(ServerConfig(keys_file=str(path)))
    path.write_text("")
    path.chmod(0o602)
    assert check_access(ServerConfig(keys_file=str(path)))[-1].endswith("use chmod o-w")
    path.chmod(0o644)
    (warning,) = check_access(ServerConfig(keys_file=str(path), host="0.0.0.0"))
    assert warning.endswith("has no key: every client is refused; add one with `auricle keys add`")


def test_a_usage_file_must_be_one_that_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"usage_file: .* cannot be written: No such file"):
        check_access(ServerConfig(usage_file=str(tmp_path / "no" / "usage.jsonl")))
    with pytest.raises(ConfigError, match="cannot be written: Is a directory"):
        check_access(ServerConfig(usage_file=str(tmp_path) + "/."))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert check_access(ServerConfig(usage_file=str(pipe))) == [], "it does not wait for a reader"
    assert check_access(ServerConfig(usage_file=str(tmp_path / "usage.jsonl"))) == []
