"""The files inside a NeMo checkpoint, packed or unpacked. Loads no tensor library."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarError, TarFile, TarInfo
from tarfile import open as open_tar
from typing import IO, Any, Protocol

import yaml

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.nemo.unpacked_archive import find_unpacked, is_gzipped

CONFIG_NAME = "model_config.yaml"
# libyaml's loader: the multilingual model's 13,087 pieces, listed twice, take 0.1 s in place of 0.9 s.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LISTS = re.compile(rb"^( *(?:labels|vocabulary)):[ ]*\n(?: *- .*\n)+", re.MULTILINE)
"""Lists of tokens, one a line."""


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
    # NVIDIA publishes both: the English archive is plain, the multilingual one gzipped.
    plain = not is_gzipped(path)
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


def read_config(origin: str, members: Members, *, vocabulary: bool = True) -> dict[str, Any]:
    """Reads NeMo's configuration tree.

    Args:
        origin: The checkpoint, for messages.
        members: Its files.
        vocabulary: Whether to read the lists of all tokens, ``labels`` and ``joint.vocabulary``, as well. They take
            almost all of the time, and the tokenizer has the same list.

    Raises:
        BadCheckpoint: It is missing or not YAML.
    """
    with members.open(CONFIG_NAME) as stream:
        return parse_tree(origin, stream.read(), vocabulary=vocabulary)


def parse_tree(origin: str, text: bytes, *, vocabulary: bool = True) -> dict[str, Any]:
    """The tree in the text of a configuration. See `read_config`."""
    try:
        config = _parse(text) if vocabulary else _parse_without_lists(text)
    except yaml.YAMLError as error:
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} does not hold a configuration")
    return config


def _parse(text: bytes) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 - either loader is a safe one


def _parse_without_lists(text: bytes) -> Any:
    try:
        return _parse(_LISTS.sub(rb"\1: []\n", text))
    except yaml.YAMLError:
        return _parse(text)  # a list whose items take more than a line


def archive_config(path: Path) -> dict[str, Any]:
    """The configuration tree of a ``.nemo`` file without the vocabulary.

    A gzipped archive is read from its unpacked copy where there is one, and else up to its configuration only.

    Raises:
        BadCheckpoint: Not an archive, or one without a configuration.
    """
    try:
        copy = find_unpacked(path) if is_gzipped(path) else path
        if copy is not None:
            with opened(copy) as members:
                return read_config(str(path), members, vocabulary=False)
        return parse_tree(str(path), _first_config(path), vocabulary=False)
    except (TarError, EOFError, OSError, zlib.error) as error:
        raise BadCheckpoint(f"{path} is not a readable .nemo archive ({error})") from error


def _first_config(path: Path) -> bytes:
    with open_tar(path, "r|gz") as archive:
        for member in archive:
            if member.isfile() and Path(member.name).name == CONFIG_NAME:
                stream = archive.extractfile(member)
                assert stream is not None  # it is a regular file
                return stream.read()
    raise BadCheckpoint(f"{path} has no {CONFIG_NAME}; it is not a NeMo checkpoint")
