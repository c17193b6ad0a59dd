"""The files inside a NeMo checkpoint, packed or unpacked. Loads no tensor library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarFile, TarInfo
from tarfile import open as open_tar
from typing import IO, Any, Protocol

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.nemo.bounded_streams import UNREADABLE, BoundedGzip, TarStream
from auricle_server.checkpoints.nemo.unpacked_archive import find_unpacked, is_gzipped
from auricle_server.checkpoints.parsing.foreign_files import page_or_pointer, unreadable
from auricle_server.checkpoints.parsing.yaml_text import MOST_BYTES, parse_yaml

CONFIG_NAME = "model_config.yaml"
_LISTS = re.compile(rb"^( *(?:labels|vocabulary)):[ ]*\n(?: *- .*\n)+", re.MULTILINE)
"""Lists of tokens, one a line."""
_MOST_MEMBERS = 1_000
"""Files of an archive; those that NeMo writes have 4 to 10."""


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
    """The members of a ``.nemo`` file, plain or gzipped. Raises what is in `UNREADABLE`."""
    # NVIDIA publishes both: the English archive is plain, the multilingual one gzipped.
    plain = not is_gzipped(path)
    with path.open("rb") if plain else BoundedGzip(path) as stream:
        headers = TarStream(stream)
        # tarfile asks for no more of a file than `TarStream` has.
        with open_tar(fileobj=headers, mode="r:") as archive:  # type: ignore[call-overload]
            found = _listed(path, archive)
            headers.end_of_headers()
            yield _Archive(path, archive, found, plain=plain)


def _listed(path: Path, archive: TarFile) -> dict[str, TarInfo]:
    """The files of an archive by their base names."""
    found: dict[str, TarInfo] = {}
    for number, member in enumerate(archive):
        if number == _MOST_MEMBERS:
            raise BadCheckpoint(f"{path} has more than {_MOST_MEMBERS} files; it is not a NeMo checkpoint")
        if member.isfile():
            found[Path(member.name).name] = member
    return found


class _Archive:
    def __init__(self, path: Path, archive: TarFile, members: dict[str, TarInfo], *, plain: bool) -> None:
        self._path, self._archive, self._members, self._plain = path, archive, members, plain

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
        BadCheckpoint: It is missing, too large or not YAML.
    """
    return parse_tree(origin, read_member(members, CONFIG_NAME, MOST_BYTES), vocabulary=vocabulary)


def read_member(members: Members, name: str, most: int) -> bytes:
    """The content of a file.

    Raises:
        BadCheckpoint: There is none of that name, or it has more than `most` bytes.
    """
    with members.open(name) as stream:
        content = _at_most(stream, name, most)
    # A clone without its large files has pointers in their place, and a configuration that is one is YAML, too.
    if what := page_or_pointer(content):
        raise BadCheckpoint(f"{name} is {what}")
    return content


def _at_most(stream: IO[bytes], name: str, most: int) -> bytes:
    content = stream.read(most + 1)
    if len(content) > most:
        raise BadCheckpoint(f"{name} has more than {most} bytes, more than that of any checkpoint")
    return content


def parse_tree(origin: str, text: bytes, *, vocabulary: bool = True) -> dict[str, Any]:
    """The tree in the text of a configuration. See `read_config`."""
    try:
        config = parse_yaml(text) if vocabulary else _parse_without_lists(text)
    except ValueError as error:
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} {error}") from error
    if not isinstance(config, dict):
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} does not hold a configuration")
    return config


def _parse_without_lists(text: bytes) -> Any:
    try:
        return parse_yaml(_LISTS.sub(rb"\1: []\n", text))
    except ValueError:
        return parse_yaml(text)  # a list whose items take more than a line


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
    except UNREADABLE as error:
        raise BadCheckpoint(unreadable(path, f"is not a readable .nemo archive ({error})")) from error


def _first_config(path: Path) -> bytes:
    # A tar file as a stream: tarfile only reads.
    with BoundedGzip(path) as content, open_tar(fileobj=content, mode="r|") as archive:
        for number, member in enumerate(archive):
            if number == _MOST_MEMBERS:
                break
            if member.isfile() and Path(member.name).name == CONFIG_NAME:
                stream = archive.extractfile(member)
                assert stream is not None  # it is a regular file
                return _at_most(stream, CONFIG_NAME, MOST_BYTES)
    raise BadCheckpoint(f"{path} has no {CONFIG_NAME}; it is not a NeMo checkpoint")
