"""What an archive has so far, and how more is added to it: parts that appear whole, and from which all else follows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from auricle_server.archives.archive_format import ArchiveFormat, Table
from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.tables.part_formats import encode, keys, rows
from auricle_server.archives.tables.rows import as_line
from auricle_server.archives.tables.storage import ArchiveStorage

_SETTINGS = "archive.json"
_VERSION = 1


class ArchiveOutput:
    """The tables of an archive, in parts.

    There is no other record of what is done than the parts themselves: a part is added in one step, with the rows of
    whole files, so that a run which ends at any moment leaves each file with all its rows, or with none.

    Args:
        storage: The folder.
        name: As the user wrote it, for messages.
        kind: Format of the tables.
    """

    def __init__(self, storage: ArchiveStorage, name: str, kind: ArchiveFormat) -> None:
        self._storage = storage
        self._name = name
        self._kind = kind
        self._run = uuid.uuid4().hex[:8]
        self._next = {table: 1 + max((_number(part) for part in self._parts(table)), default=0) for table in Table}

    def require_settings(self, settings: Mapping[str, Any], *, write: bool = True) -> None:
        """Checks that the archive was begun with these settings, or begins it with them.

        Raises:
            ArchiveError: It was begun with others: its rows would be of two kinds.
        """
        wanted = {"version": _VERSION, "format": self._kind.value, **settings}
        try:
            begun = json.loads(self._storage.read(_SETTINGS))
        except FileNotFoundError:
            if any(self._parts(table) for table in Table):
                raise ArchiveError(f"{self._name} has parts but no {_SETTINGS}: choose another folder") from None
            if write:
                self._storage.write(_SETTINGS, (json.dumps(wanted, indent=2) + "\n").encode())
            return
        except ValueError as error:
            raise ArchiveError(f"{self._name}/{_SETTINGS} is no JSON: choose another folder") from error
        other = [name for name in wanted if begun.get(name) != wanted[name]]
        if other:
            told = ", ".join(f"{name} {begun.get(name)!r}, not {wanted[name]!r}" for name in other)
            raise ArchiveError(f"{self._name} was begun with {told}: use the same, or another folder")

    def done(self) -> set[str]:
        """Keys of the files that have a transcript."""
        return self._keys(Table.TRANSCRIPTS)

    def failed(self, done: set[str]) -> set[str]:
        """Keys of the files that have failed and are not among the keys `done`."""
        return self._keys(Table.FAILURES) - done

    def add(self, table: Table, lines: Sequence[str]) -> None:
        """Adds a part.

        Args:
            table: To which table.
            lines: Rows as JSON, all rows of each file; nothing happens without any.

        Raises:
            ArchiveError: It cannot be written; nothing is lost but this part.
        """
        if not lines:
            return
        path = f"{table.value}/part-{self._next[table]:06d}-{self._run}.{self._kind.value}"
        try:
            self._storage.write(path, encode(lines, table, self._kind))
        except OSError as error:
            raise ArchiveError(f"cannot write to {self._name}/{path}: {error.strerror or error}") from error
        self._next[table] += 1

    def tidy_failures(self) -> int:
        """Leaves one row for each file that has failed and has no transcript: the latest. Returns how many there are.

        The new part is there before the old ones go. A run that ends between the two leaves rows twice, which the next
        call of this puts right.
        """
        parts = self._parts(Table.FAILURES)
        if not parts:
            return 0
        done, latest = self.done(), dict[str, str]()
        before = 0
        for part in parts:
            for row in rows(self._read(Table.FAILURES, part), self._kind):
                before += 1
                latest[row["key"]] = as_line(row)
        left = [line for key, line in latest.items() if key not in done]
        if len(parts) > 1 or len(left) < before:
            self.add(Table.FAILURES, left)
            for part in parts:
                self._storage.delete(f"{Table.FAILURES.value}/{part}")
        return len(left)

    def _keys(self, table: Table) -> set[str]:
        found = set[str]()
        for part in self._parts(table):
            try:
                found.update(keys(self._read(table, part), self._kind))
            except (ValueError, KeyError) as error:
                raise ArchiveError(
                    f"{self._name}/{table.value}/{part} is damaged ({error}): move it away, and its files are "
                    "transcribed again"
                ) from error
        return found

    def _read(self, table: Table, part: str) -> bytes:
        return self._storage.read(f"{table.value}/{part}")

    def _parts(self, table: Table) -> list[str]:
        names = self._storage.names(table.value)
        return [name for name in names if name.startswith("part-") and name.endswith(f".{self._kind.value}")]


def _number(part: str) -> int:
    digits = part.removeprefix("part-").partition("-")[0]
    return int(digits) if digits.isdigit() else 0
