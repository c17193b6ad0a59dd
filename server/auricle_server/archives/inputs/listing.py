"""What an archive holds: folders, globs, manifests and single files, as recordings, each once."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.manifests import is_manifest, read_manifest
from auricle_server.archives.inputs.sources import (
    ArchiveFile,
    canonical,
    filesystem,
    is_address,
    resolved,
    without_file_scheme,
)

AUDIO_SUFFIXES = frozenset(
    ".3gp .aac .aif .aifc .aiff .amr .au .avi .caf .flac .gsm .m4a .m4b .mka .mkv .mov .mp2 .mp3 .mp4 .oga .ogg .opus"
    " .rf64 .snd .sph .vox .w64 .wav .wave .webm .wma .wv".split()
)
"""What a folder is searched for. A file that is named by itself may have any name."""
_WILD = re.compile(r"[*?\[]")


@dataclass(slots=True)
class Listing:
    """The recordings of an archive.

    Attributes:
        files: Those to transcribe, in the order of the inputs.
        done: How many have a transcript already.
        failed: How many failed in an earlier run and are left alone.
        duplicates: How often a recording came again.
        skipped: How many files of folders and globs are no recordings, by reason.
    """

    files: list[ArchiveFile] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def list_archive(
    inputs: Sequence[str], defaults: ArchiveFile, done: Container[str] = (), failed: Container[str] = ()
) -> Listing:
    """Lists the inputs.

    Args:
        inputs: Paths, patterns and addresses.
        defaults: Language, channel and key terms of files for which no manifest says others.
        done: Keys of files that have a transcript.
        failed: Keys of files to leave alone because they failed.

    Raises:
        ArchiveError: An input does not exist, matches nothing, or cannot be read.
    """
    listing, seen = Listing(), set[str]()
    for name in inputs:
        for file in _Input(defaults, listing.skipped).recordings(name):
            key = file.key
            if key in seen:
                listing.duplicates += 1
                continue
            seen.add(key)
            if key in done:
                listing.done += 1
            elif key in failed:
                listing.failed += 1
            else:
                listing.files.append(file)
    return listing


class _Input:
    """One input of the command."""

    def __init__(self, defaults: ArchiveFile, skipped: Counter[str]) -> None:
        self._defaults = defaults
        self._skipped = skipped

    def recordings(self, name: str) -> Iterator[ArchiveFile]:
        if name == "-":
            raise ArchiveError("standard input is no archive: auricle transcribe - reads a recording from it")
        if "\0" in name or not name:
            raise ArchiveError(f"{name!r} is no path")
        name = without_file_scheme(name)
        if is_address(name):
            return self._remote(name)
        return self._local(name)

    # --- this machine's files ----------------------------------------------------------------------------------------

    def _local(self, name: str) -> Iterator[ArchiveFile]:
        if os.path.lexists(name):
            yield from self._path(name)
        elif _WILD.search(name):
            named = _names_its_suffix(name)
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  # keeps odd bytes
            if not matches:
                raise ArchiveError(f"{name}: no file matches")
            for match in matches:
                # With ** a pattern matches folders, whose files it matches as well.
                if not Path(match).is_dir():
                    yield from self._found(match, any_suffix=named)
                elif "**" not in name:
                    yield from self._folder(match)
        else:
            raise ArchiveError(f"{name}: no such file or folder")

    def _path(self, name: str) -> Iterator[ArchiveFile]:
        if Path(name).is_dir():
            yield from self._folder(name)
        elif is_manifest(name):
            for file in read_manifest(name, self._defaults):
                yield file if is_address(file.source) else replace(file, size=_size(file.source))
        else:
            yield replace(self._defaults, source=resolved(name), size=_size(name))

    def _folder(self, top: str) -> Iterator[ArchiveFile]:
        """The recordings below a folder in a fixed order. Links to folders are followed, each folder once."""
        visited = {resolved(top)}
        for folder, folders, names in os.walk(top, onerror=_refuse, followlinks=True):
            if hidden := sum(name.startswith(".") for name in (*folders, *names)):
                self._skipped["hidden"] += hidden
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".") and _is_new(os.path.join(folder, name), visited)  # noqa: PTH118
            )
            for name in sorted(names):
                if not name.startswith("."):
                    yield from self._found(os.path.join(folder, name), any_suffix=False)  # noqa: PTH118

    def _found(self, path: str, *, any_suffix: bool) -> Iterator[ArchiveFile]:
        if not any_suffix and PurePosixPath(path).suffix.lower() not in AUDIO_SUFFIXES:
            self._skipped["no recording by its name"] += 1
            return
        try:
            status = os.stat(path)  # noqa: PTH116  # keeps odd bytes
        except OSError:
            # A link to nothing, or a file that has vanished since: it fails, and says so in the table of failures.
            yield replace(self._defaults, source=resolved(path), size=None)
            return
        # To open a pipe would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            self._skipped["pipe, socket or device"] += 1
            return
        yield replace(self._defaults, source=resolved(path), size=status.st_size)

    # --- file systems of fsspec --------------------------------------------------------------------------------------

    def _remote(self, address: str) -> Iterator[ArchiveFile]:
        system, path = filesystem(address)
        try:
            if _WILD.search(path) and not system.exists(path):
                found = system.glob(path, detail=True)
                if not found:
                    raise ArchiveError(f"{address}: no file matches")
                yield from self._objects(system, found, any_suffix=_names_its_suffix(path))
            elif system.isdir(path):
                yield from self._objects(system, system.find(path, detail=True), below=path, any_suffix=False)
            elif not system.exists(path):
                raise ArchiveError(f"{address}: no such file or folder")
            elif is_manifest(path):
                yield from read_manifest(address, self._defaults)
            else:
                yield replace(self._defaults, source=canonical(address), size=system.size(path))
        except OSError as error:
            raise ArchiveError(f"{address} cannot be listed: {error}") from error

    def _objects(
        self, system: object, found: dict[str, dict[str, object]], *, below: str = "", any_suffix: bool
    ) -> Iterator[ArchiveFile]:
        for path, info in sorted(found.items()):
            inside = PurePosixPath(path.removeprefix(below))
            if info.get("type") == "directory":
                continue
            if below and any(part.startswith(".") for part in inside.parts):
                self._skipped["hidden"] += 1
            elif not any_suffix and inside.suffix.lower() not in AUDIO_SUFFIXES:
                self._skipped["no recording by its name"] += 1
            else:
                size = info.get("size")
                address = system.unstrip_protocol(path)  # type: ignore[attr-defined]
                yield replace(self._defaults, source=address, size=size if isinstance(size, int) else None)


def _names_its_suffix(pattern: str) -> bool:
    """Whether a pattern says which files are meant by the end of their names, as ``*.dat`` does."""
    suffix = PurePosixPath(pattern).suffix
    return bool(suffix) and not _WILD.search(suffix)


def _is_new(folder: str, visited: set[str]) -> bool:
    real = resolved(folder)
    if real in visited:
        return False
    visited.add(real)
    return True


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116  # keeps odd bytes
    except OSError:
        return None


def _refuse(error: OSError) -> None:
    raise ArchiveError(f"{error.filename}: the folder cannot be listed: {error.strerror}")
