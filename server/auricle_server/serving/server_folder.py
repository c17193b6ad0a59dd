"""The folder of a server's sockets: where there is room for one, and that it stays."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "auricle-"
"""How the names of such folders begin."""
_PATH_BYTES = 103
"""Longest path of a socket: `sun_path` of `sockaddr_un` has 104 bytes on macOS and 108 on Linux, with a zero byte."""
_LONGEST_NAME = "gateway-9999.sock"
_OTHER_PLACES = (Path("/dev/shm"), Path(f"/run/user/{os.getuid()}"))  # noqa: S108 - `mkdtemp` makes a private folder
"""In memory on Linux, and in a container whose file system is read-only (``docker run --read-only``) writable."""


class NoFolder(OSError):
    """No place takes sockets; the message names those that were tried."""


def make_folder() -> Path:
    """Makes a folder that only this user can enter, where sockets can be made.

    That is in the temp directory, or where that is full, read-only or has too long a path, in memory.

    Raises:
        NoFolder: Neither takes a socket.
    """
    problems: list[str] = []
    for place in _places(problems):
        try:
            folder = _made(place)
        except OSError as error:
            problems.append(f"{place}: {error.strerror or error}")
            continue
        if problems:
            log.warning("the sockets are in %s, as the temp directory does not take them (%s)", folder, problems[0])
        if tempfile.tempdir is None:
            # For the processes that are started as well: some libraries cannot be imported without a temp directory.
            tempfile.tempdir = os.environ["TMPDIR"] = os.fspath(folder)
        return folder
    raise NoFolder(f"no folder takes sockets ({'; '.join(problems)}); set TMPDIR to one that can be written to")


def _places(problems: list[str]) -> Iterator[Path]:
    try:
        yield Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # none of the usual places can be written to
        problems.append(str(error.strerror))
    yield from (place for place in _OTHER_PLACES if place.is_dir())


def _made(place: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    try:
        _try_socket(folder / _LONGEST_NAME)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _try_socket(path: Path) -> None:
    if len(os.fsencode(path)) > _PATH_BYTES:
        raise OSError(0, f"its path is too long for sockets, which have at most {_PATH_BYTES} bytes")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(os.fspath(path))
    path.unlink()


def restore_folder(folder: Path) -> None:
    """Makes the folder again where something has deleted it, such as a job that empties the temp directory.

    Raises:
        OSError: It cannot be made, or is now another user's.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        log.warning("the folder of the sockets was deleted and is made again folder=%s", folder)
        folder.mkdir(mode=0o700)
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder}, the folder of the sockets, was replaced by another user's")


def remove_folder(folder: Path) -> None:
    """Deletes the folder with what is in it; says so where that is not possible."""

    def report(_: object, path: str, failure: tuple[type[BaseException], BaseException, object]) -> None:
        if not isinstance(failure[1], FileNotFoundError):
            log.warning("cannot delete path=%s: %s", path, failure[1])

    shutil.rmtree(folder, onerror=report)
