"""The format of an archive, and the tables that it has. Imports nothing heavy: the command line reads it."""

from __future__ import annotations

from enum import StrEnum

from auricle_server.archives.errors import ArchiveError


class ArchiveFormat(StrEnum):
    """The formats of the tables; the value is the suffix of their files."""

    JSONL = "jsonl"
    PARQUET = "parquet"


_BY_NAME = {"jsonl": ArchiveFormat.JSONL, "ndjson": ArchiveFormat.JSONL, "parquet": ArchiveFormat.PARQUET}


class Table(StrEnum):
    """The tables of an archive; the value is the name of their folder."""

    TRANSCRIPTS = "transcripts"
    FAILURES = "failures"


def format_of(out: str, asked: ArchiveFormat | None) -> ArchiveFormat:
    """The format of an output: what was asked for, or what its name says, or JSON lines.

    Raises:
        ArchiveError: The two contradict each other.
    """
    suffix = out.rstrip("/").rpartition(".")[2].lower()
    by_name = _BY_NAME.get(suffix)
    if asked is not None and by_name is not None and asked is not by_name:
        raise ArchiveError(f"{out} ends in .{suffix} but --format says {asked.value}: change one of them")
    return asked or by_name or ArchiveFormat.JSONL
