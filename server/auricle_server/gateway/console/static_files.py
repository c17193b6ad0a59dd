"""Files that browsers may have: those of named folders as they were at the start, and no others."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# Not `mimetypes`, which reads the machine's own tables: browsers run no script of another type (nosniff).
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wav": "audio/wav",
}
"""Kinds of files that are served, by their suffixes."""
_COMPRESSED = frozenset({".html", ".css", ".js", ".json", ".svg"})
"""Of text, less than a third goes over the line; sound gains nothing."""
_ETAG_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it was read.

    Attributes:
        body: Its bytes.
        media_type: For `Content-Type`.
        etag: Names this content (RFC 9110, section 8.8.3), without quotation marks.
        compressed: The bytes in gzip, for clients that take it; None for sound and pictures.
    """

    body: bytes = field(repr=False)
    media_type: str
    etag: str
    compressed: bytes | None = field(default=None, repr=False)


class StaticFiles:
    """The files of some folders, by the paths under which browsers ask for them.

    A request's path is only looked up, and never joined to a folder: no path leads out of them.

    Args:
        places: Prefixes of paths, each with a folder or a single file, whose path is then the prefix itself. Of a
            folder all files of `MEDIA_TYPES` count, those of folders in it too.
    """

    def __init__(self, places: Iterable[tuple[str, Path]]) -> None:
        self._paths = {name: path for prefix, place in places for name, path in _files(prefix, place)}
        self._read: dict[str, tuple[tuple[int, int], StaticFile]] = {}

    def __contains__(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self._paths

    def read(self, name: str) -> StaticFile:
        """A file; read anew only when it has changed.

        Args:
            name: One that is contained.

        Raises:
            OSError: It cannot be read, or no longer exists.
        """
        path = self._paths[name]
        status = path.stat()
        state = status.st_mtime_ns, status.st_size
        known = self._read.get(name)
        if known is not None and known[0] == state:
            return known[1]
        body = path.read_bytes()
        # By the content and not by the time: files of packages often have all the same one.
        etag = hashlib.sha256(body).hexdigest()[:_ETAG_CHARACTERS]
        compressed = gzip.compress(body, mtime=0) if path.suffix in _COMPRESSED else None
        found = StaticFile(body, MEDIA_TYPES[path.suffix], etag, compressed)
        self._read[name] = state, found
        return found


def _files(prefix: str, place: Path) -> Iterable[tuple[str, Path]]:
    if place.is_file():
        yield prefix, place
    for path in sorted(place.rglob("*")):
        if path.suffix in MEDIA_TYPES and path.is_file():
            yield prefix + path.relative_to(place).as_posix(), path
