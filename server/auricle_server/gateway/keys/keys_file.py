"""Reads the file that names the keys of a server.

It is TOML, one table for each key:

    [[key]]
    name = "support-bot"
    hash = "sha256:..."
    max_streams = 20
    max_new_streams_per_minute = 60
    expires = 2027-01-01T00:00:00Z
    allowed_origins = ["https://app.example.com"]

Only `name` and `hash` are required. `auricle keys add` writes such a table (`keys_file_edit`), people may as well.
"""

from __future__ import annotations

import datetime as dt
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auricle_server.gateway.keys.api_key import ApiKey

MOST_KEYS = 4096
_MOST_BYTES = 4 << 20
_HASH = "sha256:"
_HASH_DIGITS = 64


class KeysFileError(ValueError):
    """The keys file cannot be used; the message names the file, the key and the field."""


def read_keys(path: str) -> tuple[ApiKey, ...]:
    """The keys in the file.

    Raises:
        KeysFileError: The file cannot be read, is no TOML, or one of its tables is no key.
    """
    return parse_keys(read_text(path), path)


def read_text(path: str) -> str:
    """The text of a keys file.

    Raises:
        KeysFileError: It cannot be read, is too large, or no UTF-8.
    """
    try:
        # A pipe whose writer never comes would hold a server up for ever.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise KeysFileError(f"keys file {path}: expected a plain file, not a folder, a pipe or a device")
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise KeysFileError(f"keys file {path}: no such file; `auricle keys add` makes one") from error
    except OSError as error:
        raise KeysFileError(f"keys file {path}: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise KeysFileError(f"keys file {path}: expected at most {_MOST_BYTES} bytes; is this the right file?")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise KeysFileError(f"keys file {path}: the text is no UTF-8, at byte {error.start}") from error


def parse_keys(text: str, path: str) -> tuple[ApiKey, ...]:
    """The keys in the text of a keys file.

    Args:
        text: Of the file.
        path: Named in errors.

    Raises:
        KeysFileError: The text is no TOML, or one of its tables is no key.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise KeysFileError(f"keys file {path}: not valid TOML: {error}") from error
    tables = document.pop("key", [])
    if document:
        raise KeysFileError(f"keys file {path}: unknown {next(iter(document))!r}; expected tables [[key]] only")
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        raise KeysFileError(f"keys file {path}: expected each key as a table [[key]], with two brackets")
    if len(tables) > MOST_KEYS:
        raise KeysFileError(f"keys file {path}: expected at most {MOST_KEYS} keys, got {len(tables)}")
    keys = tuple(_key(table, number, path) for number, table in enumerate(tables, 1))
    _check_unique(keys, path)
    return keys


def _key(table: dict[str, Any], number: int, path: str) -> ApiKey:
    name = table.get("name")
    place = (
        f"keys file {path}, key {name[:80]!r}" if isinstance(name, str) else f"keys file {path}, key number {number}"
    )
    try:
        # A field that is misspelt would otherwise lift a limit without a word.
        if unknown := table.keys() - _FIELDS.keys():
            raise ValueError(f"unknown field {min(unknown)!r}; expected {', '.join(_FIELDS)}")
        if missing := {"name", "hash"} - table.keys():
            raise ValueError(f"no {min(missing)}")
        values = {field: _FIELDS[field](field, value) for field, value in table.items()}
        values.pop("created", None)
        return ApiKey(digest=values.pop("hash"), **values)
    except ValueError as error:
        raise KeysFileError(f"{place}: {error}") from error


def _check_unique(keys: tuple[ApiKey, ...], path: str) -> None:
    names: set[str] = set()
    digests: dict[bytes, str] = {}
    for key in keys:
        if key.name in names:
            raise KeysFileError(f"keys file {path}: two keys are called {key.name!r}; give each a name of its own")
        if key.digest in digests:
            raise KeysFileError(f"keys file {path}: {digests[key.digest]!r} and {key.name!r} have the same hash")
        names.add(key.name)
        digests[key.digest] = key.name


# --- the fields of a key ---------------------------------------------------------------------------------------------


def _text(field: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(field, "a text in quotes", value)


def _whole_number(field: str, value: object) -> int:
    # `true` is an int in Python.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _wrong(field, "a whole number", value)


def _digest(field: str, value: object) -> bytes:
    prefix, digits = _text(field, value)[: len(_HASH)], _text(field, value)[len(_HASH) :]
    try:
        if prefix != _HASH or len(digits) != _HASH_DIGITS:
            raise ValueError(prefix)
        return bytes.fromhex(digits)
    except ValueError as error:
        # The value is not shown: somebody may have put the key itself there.
        raise ValueError(
            f"{field}: expected {_HASH} and {_HASH_DIGITS} hexadecimal digits, as `auricle keys add` writes them"
        ) from error


def _time(field: str, value: object) -> dt.datetime:
    """A point in time: one without an offset is in UTC, and a date means its first moment."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    raise _wrong(field, "a time without quotes like 2027-01-31T12:00:00Z", value)


def _origins(field: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(field, origin) for origin in value)
    raise _wrong(field, 'a list like ["https://app.example.com"]', value)


_FIELDS: dict[str, Callable[[str, object], Any]] = {
    "name": _text,
    "hash": _digest,
    "max_streams": _whole_number,
    "max_new_streams_per_minute": _whole_number,
    "expires": _time,
    "allowed_origins": _origins,
    # When the key was added: for people.
    "created": _time,
}


def _wrong(field: str, expected: str, value: object) -> ValueError:
    return ValueError(f"{field}: expected {expected}, got {repr(value)[:80]}")
