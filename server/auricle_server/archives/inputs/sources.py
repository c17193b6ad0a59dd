"""A recording of an archive: what is asked of it, and how its bytes come to this machine.

A name is a path, or an address of a file system that fsspec knows (``s3://bucket/call.wav``). Nothing here imports
Ray; fsspec is imported when a name is an address.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from auricle_server.archives.errors import ArchiveError
from auricle_server.audio_files import UnreadableAudio

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")
_COPY_BYTES = 1 << 22
_CHANGED = ("LastModified", "last_modified", "mtime", "updated", "created")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A recording, and what is asked of it.

    Attributes:
        source: Absolute path without symbolic links, or an address.
        size: Bytes, as far as the listing knows.
        id: The user's name of it, from a manifest.
        language: BCP-47 code, ``"auto"``, or None for the model's default.
        channel: ``"mix"``, ``"split"``, or a number from 1.
        keyterms: Phrases to prefer.
    """

    source: str
    size: int | None = None
    id: str | None = None
    language: str | None = None
    channel: str = "mix"
    keyterms: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """32 hexadecimal digits that tell this piece of work from all others: the source and the channel."""
        # A NUL is in no path and in no address, and bytes that are no UTF-8 keep files apart that are printed alike.
        text = f"{self.source}\0{self.channel}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    def as_json(self) -> str:
        """For the way to a worker."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> ArchiveFile:
        """What `as_json` has written."""
        fields = json.loads(text)
        return ArchiveFile(**{**fields, "keyterms": tuple(fields["keyterms"])})


@dataclass(frozen=True, slots=True)
class FileVersion:
    """Which version of a file was transcribed.

    Attributes:
        size: Bytes.
        modified: ISO 8601 in UTC; None where the file system does not say.
        etag: Of an object store.
    """

    size: int | None = None
    modified: str | None = None
    etag: str | None = None


def is_address(name: str) -> bool:
    """Whether a name is an address for fsspec, and no path."""
    return _ADDRESS.match(name) is not None


def canonical(address: str) -> str:
    """The one spelling of an address that the listing of its folder has as well.

    Raises:
        ArchiveError: See `filesystem`.
    """
    if "::" in address:  # a chain of file systems has no other spelling
        return address
    system, path = filesystem(address)
    return str(system.unstrip_protocol(path))


def without_file_scheme(name: str) -> str:
    """The path of a ``file://`` address; any other name as it is."""
    return name.removeprefix("file://") if name.startswith("file:///") else name


def filesystem(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it.

    Raises:
        ArchiveError: No installed package knows it, or its settings are missing.
    """
    import fsspec

    scheme = re.split(r"://|::", address, maxsplit=1)[0]
    try:
        return fsspec.core.url_to_fs(address)  # type: ignore[no-any-return]
    except ImportError as error:
        package = _package_in(str(error)) or str(error)
        raise ArchiveError(
            f"{scheme}:// needs the package {package}: run pip install {package}, on every machine of a cluster"
        ) from error
    except ValueError as error:
        raise ArchiveError(f"{address}: fsspec cannot use it: {error}") from error


def _package_in(message: str) -> str | None:
    """The package that fsspec's message names: ``Install s3fs to access S3``."""
    found = re.search(r"[Ii]nstall (?:the )?[\"'`]?([A-Za-z][A-Za-z0-9_-]+)", message)
    return found[1] if found else None


def version_of(source: str) -> FileVersion:
    """Size and time of a file, as they are now.

    Raises:
        UnreadableAudio: There is none.
    """
    if not is_address(source):
        try:
            status = Path(source).stat()
        except OSError as error:
            raise UnreadableAudio(_reason(error)) from error
        return FileVersion(status.st_size, datetime.fromtimestamp(status.st_mtime, UTC).isoformat())
    system, path = filesystem(source)
    try:
        return version_in(system.info(path))
    except FileNotFoundError as error:
        raise UnreadableAudio("no such file") from error
    except OSError as error:
        raise UnreadableAudio(_reason(error)) from error


def version_in(info: Mapping[str, Any]) -> FileVersion:
    """What an fsspec file system says of a file, whose names differ from one to the other."""
    changed = next((info[name] for name in _CHANGED if info.get(name)), None)
    if isinstance(changed, int | float):
        changed = datetime.fromtimestamp(changed, UTC)
    if isinstance(changed, datetime):
        changed = changed.astimezone(UTC).isoformat()
    etag = next((info[name] for name in ("ETag", "etag", "md5Hash") if info.get(name)), None)
    return FileVersion(
        info.get("size"), None if changed is None else str(changed), None if etag is None else str(etag).strip('"')
    )


@contextmanager
def local_copy(source: str) -> Iterator[str]:
    """A path with the bytes of a recording: its own, or that of a copy which is deleted afterwards.

    Raises:
        UnreadableAudio: There is none, or no room for the copy.
    """
    if not is_address(source):
        yield source
        return
    system, path = filesystem(source)
    # The name's end is kept: some formats of telephones (vox, gsm) are known by it alone.
    suffix = PurePosixPath(path).suffix
    with tempfile.NamedTemporaryFile(prefix="auricle-", suffix=suffix if suffix.isascii() else "") as copy:
        try:
            with system.open(path, "rb") as remote:
                shutil.copyfileobj(remote, copy, _COPY_BYTES)
            copy.flush()
        except FileNotFoundError as error:
            raise UnreadableAudio("no such file") from error
        except OSError as error:
            raise UnreadableAudio(f"it cannot be copied to {tempfile.gettempdir()}: {_reason(error)}") from error
        yield copy.name


def _reason(error: OSError) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else f"it cannot be read: {error.strerror or error}"


def resolved(path: str) -> str:
    """The absolute path of a local file, without symbolic links: a link and its target are one file."""
    return os.path.realpath(path)


def with_defaults(file: ArchiveFile, defaults: ArchiveFile) -> ArchiveFile:
    """The file with the command's language and key terms where it has none of its own."""
    return replace(file, language=file.language or defaults.language, keyterms=file.keyterms or defaults.keyterms)
