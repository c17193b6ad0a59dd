"""Tables in files: JSON lines or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from auricle_server.archives.archive_format import ArchiveFormat, Table
from auricle_server.archives.tables.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

_KEY_FIRST = b'{"key": "'
_KEY = slice(len(_KEY_FIRST), len(_KEY_FIRST) + 32)


def encode(lines: Sequence[str], table: Table, kind: ArchiveFormat) -> bytes:
    """A file of a table.

    Args:
        lines: Rows as JSON.
        table: The table, which decides the columns.
        kind: The format.
    """
    if kind is ArchiveFormat.JSONL:
        return "".join(f"{line}\n" for line in lines).encode()
    import pyarrow as pa
    from pyarrow import parquet

    buffer = io.BytesIO()
    rows = pa.Table.from_pylist([json.loads(line) for line in lines], schema=schema(table))
    parquet.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()


def keys(content: bytes, kind: ArchiveFormat) -> Iterator[str]:
    """The keys of all rows of a file.

    Raises:
        ValueError: The file is not what `encode` writes.
    """
    if kind is ArchiveFormat.JSONL:
        if content and not content.endswith(b"\n"):
            raise ValueError("its last line is not whole")
        for line in content.splitlines():
            # A transcript may be a megabyte; its key is at a fixed place.
            yield line[_KEY].decode("ascii") if line.startswith(_KEY_FIRST) else json.loads(line)["key"]
        return
    from pyarrow import parquet

    yield from parquet.read_table(io.BytesIO(content), columns=["key"]).column("key").to_pylist()


def rows(content: bytes, kind: ArchiveFormat) -> list[Row]:
    """All rows of a file."""
    if kind is ArchiveFormat.JSONL:
        return [json.loads(line) for line in content.splitlines()]
    from pyarrow import parquet

    found: list[Row] = parquet.read_table(io.BytesIO(content)).to_pylist()
    return found


def schema(table: Table) -> pa.Schema:
    """The columns of a table in Parquet; those of JSON lines are the same."""
    import pyarrow as pa

    text, seconds, whole = pa.string(), pa.float64(), pa.int64()
    word = [("text", text), ("start", seconds), ("end", seconds), ("confidence", seconds)]
    segment = [("text", text), ("start", seconds), ("end", seconds), ("language", text), ("confidence", seconds)]
    version = [("size", whole), ("modified", text), ("etag", text)]
    named = [("key", text), ("source", text), ("id", text)]
    if table is Table.FAILURES:
        return pa.schema([*named, ("requested_channel", text), ("reason", text), ("failed", text), *version])
    return pa.schema(
        [
            *named,
            ("channel", whole),
            ("language", text),
            ("duration", seconds),
            ("model", text),
            ("latency_ms", whole),
            ("text", text),
            ("words", pa.list_(pa.struct(word))),
            ("segments", pa.list_(pa.struct(segment))),
            ("notes", pa.list_(text)),
            ("damage", text),
            *version,
        ]
    )
