"""The keys file: what it can say, and what every mistake is called."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from auricle_server.gateway.keys.api_key import ApiKey, digest_of
from auricle_server.gateway.keys.keys_file import MOST_KEYS, KeysFileError, parse_keys, read_keys

HASH = f"sha256:{digest_of('secret').hex()}"


def table(**fields: str) -> str:
    """One key, its values as TOML."""
    fields = {"name": '"one"', "hash": f'"{HASH}"', **fields}
    return "[[key]]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items() if value)


def test_a_file_says_all_about_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(
        "# a comment\n"
        + table(
            max_streams="20",
            max_new_streams_per_minute="60",
            expires="2027-01-31T12:00:00Z",
            allowed_origins='["https://app.example.com"]',
            created="2026-11-30",
        )
        + table(name='"two"', hash=f'"sha256:{"AB" * 32}"')
    )
    noon = dt.datetime(2027, 1, 31, 12, tzinfo=dt.UTC)
    assert read_keys(str(path)) == (
        ApiKey(
            name="one",
            digest=digest_of("secret"),
            max_streams=20,
            max_new_streams_per_minute=60,
            expires=noon,
            allowed_origins=("https://app.example.com",),
        ),
        ApiKey(name="two", digest=b"\xab" * 32),
    )


@pytest.mark.parametrize("text", ["2027-01-31", "2027-01-31T00:00:00", "2027-01-31T01:00:00+01:00"])
def test_times_are_in_utc_unless_they_say_otherwise(text: str) -> None:
    (key,) = parse_keys(table(expires=text), "keys.toml")
    assert key.expires == dt.datetime(2027, 1, 31, tzinfo=dt.UTC)


def test_a_file_without_keys_has_none() -> None:
    assert parse_keys("# nothing yet\n", "keys.toml") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (table(name=""), "key number 1: no name"),
        (table(hash=""), "key 'one': no hash"),
        (table(max_stream="5"), "key 'one': unknown field 'max_stream'; expected name, hash, max_streams"),
        (table(max_streams="0"), "key 'one': max_streams: expected 1 to 1000000, got 0"),
        (table(max_streams="true"), "max_streams: expected a whole number, got True"),
        (table(max_streams="2.5"), "max_streams: expected a whole number, got 2.5"),
        (table(max_streams='"5"'), "max_streams: expected a whole number, got '5'"),
        (table(max_new_streams_per_minute="-3"), "max_new_streams_per_minute: expected 1 to"),
        (table(name="5"), "key number 1: name: expected a text in quotes, got 5"),
        (table(name='"a b"'), "key 'a b': name: expected 1 to 64 letters"),
        (table(hash='"secret"'), "hash: expected sha256: and 64 hexadecimal digits"),
        (table(hash=f'"sha256:{"g" * 64}"'), "hash: expected sha256: and 64 hexadecimal digits"),
        (table(hash=f'"md5:{"a" * 64}"'), "hash: expected sha256:"),
        (table(expires='"tomorrow"'), "expires: expected a time without quotes like"),
        (table(expires="12:00:00"), "expires: expected a time without quotes like"),
        (table(allowed_origins='"https://a.example"'), "allowed_origins: expected a list like"),
        (table(allowed_origins="[5]"), "allowed_origins: expected a text in quotes, got 5"),
        (table() + table(hash=f'"sha256:{"a" * 64}"'), "two keys are called 'one'"),
        (table() + table(name='"two"'), "'one' and 'two' have the same hash"),
        ("[key]\nname = 'one'\n", "expected each key as a table [[key]], with two brackets"),
        ("key = 5", "expected each key as a table [[key]]"),
        ("keys = []", "unknown 'keys'; expected tables [[key]] only"),
        ("[[key]]\nname = one", "not valid TOML: "),
        ("x = " + "[" * 100_000, "not valid TOML: "),
        ("x = " + "9" * 10_000, "not valid TOML: "),
        ("[[key]]\n" * (MOST_KEYS + 1), f"expected at most {MOST_KEYS} keys"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(text: str, message: str) -> None:
    with pytest.raises(KeysFileError) as caught:
        parse_keys(text, "keys.toml")
    assert str(caught.value).startswith("keys file keys.toml")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_secret_in_the_place_of_its_hash_is_not_shown() -> None:
    with pytest.raises(KeysFileError) as caught:
        parse_keys(table(hash='"my-secret"'), "keys.toml")
    assert "my-secret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysFileError, match=r"missing\.toml: no such file; `auricle keys add` makes one"):
        read_keys(str(tmp_path / "missing.toml"))
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(KeysFileError, match="expected a plain file, not a folder, a pipe or a device"):
            read_keys(str(path))
    (tmp_path / "latin.toml").write_bytes("name = 'é'".encode("latin-1"))
    with pytest.raises(KeysFileError, match="no UTF-8, at byte 8"):
        read_keys(str(tmp_path / "latin.toml"))


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(KeysFileError, match="expected at most 4194304 bytes"):
        read_keys(str(path))
