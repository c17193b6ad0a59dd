"""The folder that an archive is written to: on this machine, or on a file system of fsspec. Files appear whole."""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from typing import Any, Protocol

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.sources import filesystem, is_address, without_file_scheme

_HIDDEN = "."
"""First character of files that are not there yet; nothing reads them."""


class ArchiveStorage(Protocol):
    """Files of one folder, by their path within it."""

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; none when the folder does not exist."""

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: There is none.
        """

    def write(self, path: str, content: bytes) -> None:
        """Writes a file. Whatever happens meanwhile, afterwards it is there whole or not at all."""

    def delete(self, path: str) -> None:
        """Deletes a file that exists."""

    def claim(self) -> None:
        """Makes the folder, and keeps other runs out until `release` or the end of this process.

        Raises:
            ArchiveError: It cannot be written to, or another run is at work.
        """

    def release(self) -> None:
        """Lets other runs in."""


def open_storage(out: str) -> ArchiveStorage:
    """The folder of an output, which need not exist yet.

    Raises:
        ArchiveError: It can be no folder.
    """
    out = without_file_scheme(out)
    if is_address(out):
        system, path = filesystem(out)
        return ObjectStorage(system, path.rstrip("/"), out)
    return LocalStorage(Path(out))


class LocalStorage:
    """A folder on this machine.

    Args:
        folder: Where.

    Raises:
        ArchiveError: It is a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = -1
        if folder.exists() and not folder.is_dir():
            raise ArchiveError(f"{folder} is a file: name a folder, which may end in .jsonl or .parquet")

    def names(self, folder: str) -> list[str]:
        """See `ArchiveStorage`."""
        try:
            return sorted(entry.name for entry in os.scandir(self._folder / folder) if entry.is_file())
        except FileNotFoundError:
            return []

    def read(self, path: str) -> bytes:
        """See `ArchiveStorage`."""
        return (self._folder / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """See `ArchiveStorage`."""
        target = self._folder / path
        target.parent.mkdir(exist_ok=True)
        hidden = target.with_name(f"{_HIDDEN}{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            with hidden.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave the name without the content
            hidden.replace(target)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def delete(self, path: str) -> None:
        """See `ArchiveStorage`."""
        (self._folder / path).unlink()

    def claim(self) -> None:
        """See `ArchiveStorage`. The system drops the lock with the process, however that ends."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ArchiveError(f"cannot write to {self._folder}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise ArchiveError(
                f"another auricle archive writes to {self._folder}: wait for it, or choose another folder"
            ) from error

    def release(self) -> None:
        """See `ArchiveStorage`."""
        os.close(self._lock)


class ObjectStorage:
    """A prefix of an object store, or a folder of another file system that fsspec knows.

    Object stores show an object when all of it has arrived. On others a file is written under a hidden name and then
    renamed.

    Args:
        system: The fsspec file system.
        path: In it.
        address: As the user wrote it, for messages.
    """

    def __init__(self, system: Any, path: str, address: str) -> None:
        self._system = system
        self._path = path
        self._address = address
        protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
        self._whole = bool(protocols & {"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "memory", "oci", "oss"})

    def names(self, folder: str) -> list[str]:
        """See `ArchiveStorage`."""
        self._system.invalidate_cache()
        try:
            found = self._system.ls(f"{self._path}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        return sorted(path.rpartition("/")[2] for path in found)

    def read(self, path: str) -> bytes:
        """See `ArchiveStorage`."""
        content: bytes = self._system.cat_file(f"{self._path}/{path}")
        return content

    def write(self, path: str, content: bytes) -> None:
        """See `ArchiveStorage`."""
        target = f"{self._path}/{path}"
        try:
            if self._whole:
                self._system.pipe_file(target, content)
                return
            folder, _, name = target.rpartition("/")
            hidden = f"{folder}/{_HIDDEN}{name}.{uuid.uuid4().hex[:8]}"
            self._system.makedirs(folder, exist_ok=True)
            self._system.pipe_file(hidden, content)
            self._system.mv(hidden, target)
        except OSError as error:
            raise ArchiveError(f"cannot write to {self._address}: {error}") from error

    def delete(self, path: str) -> None:
        """See `ArchiveStorage`."""
        self._system.rm_file(f"{self._path}/{path}")

    def claim(self) -> None:
        """Does nothing: such systems make folders by themselves, and have no locks that end with a process."""

    def release(self) -> None:
        """Does nothing."""
