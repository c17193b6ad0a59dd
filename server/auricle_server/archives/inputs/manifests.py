"""Lists of recordings as JSON lines or Parquet, as NeMo and others write them."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.sources import (
    ArchiveFile,
    canonical,
    filesystem,
    is_address,
    resolved,
    without_file_scheme,
)

_LINES = (".jsonl", ".ndjson", ".json")
_PARQUET = (".parquet", ".pq")
SUFFIXES = (*_LINES, *_PARQUET)
_SOURCE = ("audio_filepath", "path", "uri", "audio")
_LANGUAGE = ("language", "lang")
_KEYTERMS = ("keyterms", "key_terms")
_ROWS = 4096


def is_manifest(name: str) -> bool:
    """Whether a name is that of a manifest."""
    return name.lower().endswith(SUFFIXES)


def read_manifest(name: str, defaults: ArchiveFile) -> Iterator[ArchiveFile]:
    """The recordings of a manifest, in its order. Relative paths begin at its folder.

    Args:
        name: Path or address.
        defaults: Language, channel and key terms of rows without them.

    Raises:
        ArchiveError: A row names no recording, or has a value that cannot be meant; the message has its number.
    """
    try:
        with _open(name) as file:
            rows = _parquet_rows(file) if name.lower().endswith(_PARQUET) else _json_rows(file)
            for number, row in rows:
                try:
                    yield _recording(row, name, defaults)
                except ValueError as error:
                    raise ArchiveError(f"{name}, row {number}: {error}") from error
    except FileNotFoundError as error:
        raise ArchiveError(f"{name}: no such file") from error
    except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
        raise ArchiveError(f"{name} cannot be read as a manifest: {error}") from error


def _open(name: str) -> IO[bytes]:
    if not is_address(name):
        return Path(name).open("rb")
    system, path = filesystem(name)
    return system.open(path, "rb")  # type: ignore[no-any-return]


def _json_rows(file: IO[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(file, 1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        if not text:
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ValueError(f"row {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"row {number} is no JSON object")  # noqa: TRY004  # a wrong file, not a wrong type
        yield number, row


def _parquet_rows(file: IO[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    from pyarrow import parquet

    table = parquet.ParquetFile(file)
    wanted = {*_SOURCE, *_LANGUAGE, *_KEYTERMS, "id", "channel"}
    columns = [column for column in table.schema_arrow.names if column in wanted]
    number = 0
    for batch in table.iter_batches(_ROWS, columns=columns):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _recording(row: Mapping[str, Any], manifest: str, defaults: ArchiveFile) -> ArchiveFile:
    source = _first(row, _SOURCE)
    if not isinstance(source, str) or not source:
        raise ValueError(f"it names no recording: expected a text in one of {', '.join(_SOURCE)}")
    identity = row.get("id")
    return ArchiveFile(
        source=_located(source, manifest),
        id=None if identity is None else str(identity),
        language=_text(_first(row, _LANGUAGE), "language") or defaults.language,
        channel=parse_channel(row["channel"]) if row.get("channel") is not None else defaults.channel,
        keyterms=_phrases(_first(row, _KEYTERMS)) or defaults.keyterms,
    )


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(value: Any, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError(f"{name} is {value!r}: expected a text")


def _phrases(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(phrase, str) for phrase in value):
        raise ValueError(f"keyterms are {value!r}: expected a list of texts")
    return tuple(value)


def parse_channel(value: object) -> str:
    """``"mix"``, ``"split"``, or a number from 1, as a text or a number.

    Raises:
        ValueError: It is none of these.
    """
    text = str(value)
    if text in {"mix", "split"} or (text.isascii() and text.isdigit() and int(text)):
        return text if text in {"mix", "split"} else str(int(text))
    raise ValueError(f"{value!r} is no channel: expected mix, split, or a number from 1")


def _located(source: str, manifest: str) -> str:
    """The path or address of a row: relative ones begin at the manifest's folder."""
    source = without_file_scheme(source)
    if is_address(source):
        return canonical(source)
    if is_address(manifest) and not source.startswith("/"):
        return canonical(posixpath.join(posixpath.dirname(manifest), source))
    return resolved(os.path.join(os.path.dirname(manifest), source))  # noqa: PTH118, PTH120  # keeps odd bytes
