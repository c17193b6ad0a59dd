"""`auricle keys`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from auricle_server.commands.app import app
from auricle_server.gateway.keys.api_key import digest_of
from auricle_server.gateway.keys.keys_file import read_keys


def invoke(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(app, ["keys", *arguments], env={"COLUMNS": "120", "TERM": "dumb", **environment})


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "keys.toml")


def test_a_key_is_printed_once_and_stored_as_a_hash(path: str) -> None:
    result = invoke("add", "one", "--keys-file", path)
    assert result.exit_code == 0
    secret = result.stdout.strip()
    assert secret.startswith("auricle_")
    assert [key.digest for key in read_keys(path)] == [digest_of(secret)]
    assert secret not in Path(path).read_text()


def test_all_limits_are_listed(path: str) -> None:
    limits = ["--max-streams", "5", "--max-new-streams-per-minute", "30", "--expires", "2027-01-31"]
    assert invoke("add", "one", *limits, "--allow-origin", "https://a.example", AURICLE_KEYS_FILE=path).exit_code == 0
    assert invoke("add", "old", "--expires", "2020-01-01T12:00:00+01:00", "--keys-file", path).exit_code == 0
    assert json.loads(invoke("list", "--json", "--keys-file", path).stdout) == [
        {
            "name": "one",
            "max_streams": 5,
            "max_new_streams_per_minute": 30,
            "expires": "2027-01-31T00:00:00+00:00",
            "expired": False,
            "allowed_origins": ["https://a.example"],
        },
        {
            "name": "old",
            "max_streams": None,
            "max_new_streams_per_minute": None,
            "expires": "2020-01-01T12:00:00+01:00",
            "expired": True,
            "allowed_origins": None,
        },
    ]
    table = invoke("list", "--keys-file", path).stdout
    for words in ("one", "5", "30", "2027-01-31 00:00 UTC", "https://a.example", "any number", "(expired)"):
        assert words in table


def test_a_revoked_key_is_gone(path: str) -> None:
    for name in ("one", "two"):
        invoke("add", name, "--keys-file", path)
    assert invoke("revoke", "one", "--keys-file", path).exit_code == 0
    assert [key.name for key in read_keys(path)] == ["two"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("add", "a b"), 2, "name: expected 1 to 64 letters"),
        (("add", "one", "--max-streams", "0"), 2, "max_streams: expected 1 to"),
        (("add", "one", "--expires", "soon"), 2, "expires: expected a time like 2027-01-31T12:00:00Z, got 'soon'"),
        (("add", "here"), 1, "there is a key 'here' already"),
        (("revoke", "one"), 1, "there is no key 'one'"),
    ],
)
def test_what_cannot_be_done_is_said(path: str, arguments: tuple[str, ...], code: int, message: str) -> None:
    invoke("add", "here", "--keys-file", path)
    before = Path(path).read_text()
    result = invoke(*arguments, "--keys-file", path)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr.replace("\n", " ")
    assert Path(path).read_text() == before


def test_a_missing_file_is_named(path: str) -> None:
    result = invoke("list", "--keys-file", path)
    assert result.exit_code == 1
    assert "no such file" in result.stderr
