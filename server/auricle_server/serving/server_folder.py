"""The folder of a server's sockets: where there is room for one, that it stays, and that it goes with its server.

Each process of a server holds a lock on the folder for as long as it lives. One that nobody holds was left behind by
processes that were killed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "auricle-"
"""How the names of such folders begin."""
CONTROL = "control.sock"
"""Name of the socket on which the supervisor takes commands."""
_OURS = re.compile(rf"worker-\d+(-next)?(\.loading|\.part)?|gateway-\d+\.sock|metrics|{re.escape(CONTROL)}")
"""Names of what is in such a folder; a folder with anything else is not deleted."""
_held: dict[Path, int] = {}
"""Descriptors of this process on folders that it holds."""
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
        _remove_leftovers(place)
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


def folders() -> list[Path]:
    """The folders of this user's servers on this machine, as far as they are in the usual places."""
    places = dict.fromkeys(_places([]))
    found = [folder for place in places for folder in sorted(place.glob(f"{PREFIX}*"))]
    return [folder for folder in found if folder.is_dir() and folder.lstat().st_uid == os.geteuid()]


def _made(place: Path) -> Path:
    # It gets its name with its lock: a server that starts at the same time would take it for a leftover without.
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=place))
    folder = made.with_name(made.name[1:])
    try:
        lock = _locked(made, fcntl.LOCK_SH)
        made.rename(folder)
        _held[folder] = lock
        _try_socket(folder / _LONGEST_NAME)
    except OSError:
        for each in (made, folder):
            shutil.rmtree(each, ignore_errors=True)
        _release(folder)
        raise
    return folder


def hold_folder(folder: Path) -> None:
    """Holds a folder of this server for as long as this process lives."""
    try:
        _held[folder] = _locked(folder, fcntl.LOCK_SH)
    except OSError as error:
        log.warning("cannot lock the folder of the sockets folder=%s: %s", folder, error)


def leave_folder(folder: Path) -> None:
    """Deletes the folder if no other process of the server holds it; for the last one, where no supervisor does it."""
    _release(folder)
    _remove_leftover(folder)


def _release(folder: Path) -> None:
    lock = _held.pop(folder, None)
    if lock is not None:
        os.close(lock)


def _locked(folder: Path, kind: int) -> int:
    """A descriptor that holds the lock of a folder until it is closed.

    Raises:
        BlockingIOError: Another process holds it.
        OSError: There is no such folder, or it cannot be locked.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _remove_leftovers(place: Path) -> None:
    """Deletes the folders of servers whose processes were all killed."""
    for folder in place.glob(f"{PREFIX}*"):
        try:
            names = [each.name for each in folder.iterdir()] if folder.lstat().st_uid == os.geteuid() else []
        except OSError:
            continue  # no folder, or another user's
        if names and all(map(_OURS.fullmatch, names)):
            _remove_leftover(folder)


def _remove_leftover(folder: Path) -> None:
    try:
        lock = _locked(folder, fcntl.LOCK_EX)
        remove_folder(folder)
        os.close(lock)
        log.info("removed what processes that were killed left behind folder=%s", folder)
    except OSError as error:
        log.debug("left alone folder=%s: %s", folder, error)  # in use, or deleted at this moment by another server


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
        hold_folder(folder)
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder}, the folder of the sockets, was replaced by another user's")


def remove_folder(folder: Path) -> None:
    """Deletes the folder with what is in it; says so where that is not possible."""

    def report(_: object, path: str, failure: tuple[type[BaseException], BaseException, object]) -> None:
        if not isinstance(failure[1], FileNotFoundError):
            log.warning("cannot delete path=%s: %s", path, failure[1])

    shutil.rmtree(folder, onerror=report)
    _release(folder)
