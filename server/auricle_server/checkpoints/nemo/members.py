"""The files inside a NeMo checkpoint, packed or unpacked. Loads no tensor library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarFile, TarInfo
from tarfile import open as open_tar
from typing import IO, Any, Protocol

import yaml

from auricle_server.checkpoints.errors import BadCheckpoint

CONFIG_NAME = "model_config.yaml"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class FileSpan:
    """A span of a file.

    Attributes:
        path: The file.
        start: First byte.
        size: Bytes.
    """

    path: Path
    start: int
    size: int


class Members(Protocol):
    """The files of a checkpoint, by their base names."""

    def open(self, name: str) -> IO[bytes]:
        """Opens a member for reading.

        Raises:
            BadCheckpoint: There is no member of that name.
        """
        ...

    def span(self, name: str) -> FileSpan | None:
        """Where a member is on disk; None where it is compressed. Raises like `open`."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[Members]:
    """The members of a ``.nemo`` file, plain or gzipped. Raises what `tarfile` raises."""
    with path.open("rb") as stream:
        # NVIDIA publishes both: the English archive is plain, the multilingual one gzipped.
        plain = stream.read(len(_GZIP)) != _GZIP
    with open_tar(path) as archive:
        yield _Archive(path, archive, plain=plain)


class _Archive:
    def __init__(self, path: Path, archive: TarFile, *, plain: bool) -> None:
        self._path, self._archive, self._plain = path, archive, plain
        self._members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}

    def open(self, name: str) -> IO[bytes]:
        stream = self._archive.extractfile(self._member(name))
        assert stream is not None  # only regular files are in `_members`
        return stream

    def span(self, name: str) -> FileSpan | None:
        member = self._member(name)
        return FileSpan(self._path, member.offset_data, member.size) if self._plain and not member.issparse() else None

    def _member(self, name: str) -> TarInfo:
        if name not in self._members:
            raise BadCheckpoint(f"the archive has no {name}; it is not a NeMo checkpoint")
        return self._members[name]


class Folder:
    """The members of an unpacked ``.nemo`` file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> IO[bytes]:
        """See `Members.open`."""
        return self._path(name).open("rb")

    def span(self, name: str) -> FileSpan | None:
        """See `Members.span`."""
        path = self._path(name)
        return FileSpan(path, 0, path.stat().st_size)

    def _path(self, name: str) -> Path:
        path = self._folder / name
        if not path.is_file():
            raise BadCheckpoint(f"{self._folder} has no {name}; it is not a complete NeMo checkpoint")
        return path


def read_config(origin: str, members: Members) -> dict[str, Any]:
    """Reads NeMo's configuration tree.

    Raises:
        BadCheckpoint: It is missing or not YAML.
    """
    with members.open(CONFIG_NAME) as stream:
        try:
            config = yaml.safe_load(stream)
        except yaml.YAMLError as error:
            raise BadCheckpoint(f"{origin}: {CONFIG_NAME} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} does not hold a configuration")
    return config
