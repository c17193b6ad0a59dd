"""Adds keys to a keys file and removes them, so that the rest of its text stays as people wrote it."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.keys_file import KeysFileError, parse_keys, read_text

_HEADER = "# Keys of an Auricle server. A running server reads this file again when it changes.\n"
_TABLE = re.compile(r"\s*\[\[\s*key\s*\]\]\s*(#.*)?")
_NEW_FILE_MODE = 0o600


def add_key(path: str, key: ApiKey, created: dt.datetime) -> None:
    """Appends a key; the file is made if there is none.

    Raises:
        KeysFileError: The file cannot be used or written, or has a key of this name.
    """
    with _locked(path) as file:
        text = read_text(str(file)) if file.exists() else _HEADER
        if any(other.name == key.name for other in parse_keys(text, path)):
            raise KeysFileError(
                f"keys file {path}: there is a key {key.name!r} already; revoke it, or take another name"
            )
        gap = "" if text.endswith("\n") or not text else "\n"
        changed = f"{text}{gap}\n{_written(key, created)}"
        _check(changed, [*parse_keys(text, path), key], path)
        _replace(file, changed, path)


def revoke_key(path: str, name: str) -> None:
    """Removes a key.

    Raises:
        KeysFileError: The file cannot be used or written, has no such key, or is written so that only a person can
            remove it.
    """
    with _locked(path) as file:
        text = read_text(str(file))
        keys = parse_keys(text, path)
        if all(key.name != name for key in keys):
            raise KeysFileError(f"keys file {path}: there is no key {name!r}")
        head, *tables = _tables(text)
        kept = [table for table in tables if not _is_named(table, name, path)]
        changed = "".join([head, *kept])
        _check(changed, [key for key in keys if key.name != name], path)
        _replace(file, changed, path)


def _tables(text: str) -> list[str]:
    """What comes before the first key, and then the text of each key with all that follows it."""
    parts = [""]
    for line in text.splitlines(keepends=True):
        if _TABLE.fullmatch(line.rstrip()):
            parts.append("")
        parts[-1] += line
    return parts


def _is_named(table: str, name: str, path: str) -> bool:
    # A piece that is no table by itself, because a text over several lines holds "[[key]]" for example, stays.
    with suppress(KeysFileError):
        return [key.name for key in parse_keys(table, path)] == [name]
    return False


def _check(text: str, expected: list[ApiKey], path: str) -> None:
    """Text was put together by lines, which TOML need not follow: what comes out must be what was meant."""
    try:
        same = list(parse_keys(text, path)) == expected
    except KeysFileError:
        same = False
    if not same:
        raise KeysFileError(f"keys file {path}: its layout is not one that this command can change; edit it by hand")


def _written(key: ApiKey, created: dt.datetime) -> str:
    """The key as a table of TOML; JSON's texts are texts of TOML as well, those of names and origins."""
    lines = ["[[key]]", f"name = {json.dumps(key.name)}", f'hash = "sha256:{key.digest.hex()}"']
    if key.max_streams is not None:
        lines.append(f"max_streams = {key.max_streams}")
    if key.max_new_streams_per_minute is not None:
        lines.append(f"max_new_streams_per_minute = {key.max_new_streams_per_minute}")
    if key.expires is not None:
        lines.append(f"expires = {key.expires.isoformat()}")
    if key.allowed_origins is not None:
        lines.append(f"allowed_origins = {json.dumps(list(key.allowed_origins))}")
    lines.append(f"created = {created.isoformat(timespec='seconds')}")
    return "\n".join(lines) + "\n"


@contextmanager
def _locked(path: str) -> Iterator[Path]:
    """Keeps other commands from changing the file meanwhile. Yields the file itself, where `path` is a link to it."""
    file = Path(path).resolve()
    try:
        # Its folder is locked, as the file is replaced.
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeysFileError(f"keys file {path}: its folder: {error.strerror}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(folder)


def _replace(file: Path, text: str, path: str) -> None:
    """Puts `text` in place at once: a server that reads meanwhile sees the old file or the new one."""
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            _keep_owner(file, descriptor)
            written.write(text)
            written.flush()
            os.fsync(descriptor)
        Path(temporary).replace(file)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise KeysFileError(f"keys file {path}: cannot be written: {error.strerror}") from error


def _keep_owner(file: Path, descriptor: int) -> None:
    """Gives a file the owner and the mode of the one that it replaces; the server may run as another user."""
    if not file.exists():
        os.fchmod(descriptor, _NEW_FILE_MODE)
        return
    status = file.stat()
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode & 0o777)
