"""Where a recording comes from: a file on the disk, or a pipe, which is read to its end before it is decoded."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import UnsupportedOperation

from auricle_server.audio_files.errors import UnreadableAudio

STANDARD_INPUT = "-"
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AudioSource:
    """The bytes of a recording, in a file that can be read from any position.

    Attributes:
        descriptor: Of the open file; read it with `os.pread`, because several readers share its position.
        path: The file's path; None for a copy of what a pipe delivered.
    """

    descriptor: int
    path: str | None

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self.descriptor).st_size


@contextmanager
def open_source(path: str) -> Iterator[AudioSource]:
    """Opens a recording; ``-`` is standard input.

    Containers keep their lengths and tables where only a reader that can go back finds them, so whatever is not a
    regular file (a pipe, a FIFO, a descriptor) is copied to a temporary file first.

    Raises:
        UnreadableAudio: There is nothing to read, or it may not be read.
    """
    with ExitStack() as resources:
        # What the caller does with the source has failures of its own, which do not pass through here.
        try:
            source = _opened(path, resources)
        except FileNotFoundError as error:
            raise UnreadableAudio("no such file") from error
        except OSError as error:
            raise UnreadableAudio(f"it cannot be read: {error.strerror or error}") from error
        yield source


def _opened(path: str, resources: ExitStack) -> AudioSource:
    if path == STANDARD_INPUT:
        return _copy(_standard_input(), resources, "standard input is empty")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    resources.callback(os.close, descriptor)
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableAudio("a folder, not a file")
    regular = stat.S_ISREG(status.st_mode)
    # File systems that make their files up as they are read (/proc, some of FUSE) say a size of 0.
    if regular and status.st_size:
        return AudioSource(descriptor, path)
    _refuse_terminal(descriptor)
    empty = "the file is empty" if regular else "it is empty: nothing was written into it"
    return _copy(lambda size: os.read(descriptor, size), resources, empty)


def _standard_input() -> Callable[[int], bytes]:
    if sys.stdin is None:
        raise UnreadableAudio("standard input is closed")
    stream = sys.stdin.buffer
    try:
        descriptor = stream.fileno()
    except UnsupportedOperation:
        return stream.read  # not a file of the system
    _refuse_terminal(descriptor)
    # Not through the buffer: a thread that waits in it at the end of the process holds a lock that the interpreter
    # needs.
    return lambda size: os.read(descriptor, size)


def _refuse_terminal(descriptor: int) -> None:
    if os.isatty(descriptor):
        raise UnreadableAudio("it is a terminal: pipe or redirect a recording into it")


def _copy(read: Callable[[int], bytes], resources: ExitStack, empty: str) -> AudioSource:
    copy = resources.enter_context(tempfile.TemporaryFile(prefix="auricle-"))  # noqa: SIM115  # the caller's
    while block := read(_COPY_BYTES):
        try:
            copy.write(block)
            copy.flush()
        except OSError as error:
            folder = tempfile.gettempdir()
            raise UnreadableAudio(
                f"there is no room for a copy of it in {folder}, TMPDIR names another folder: {error.strerror}"
            ) from error
    source = AudioSource(copy.fileno(), None)
    if not source.size:
        raise UnreadableAudio(empty)
    return source
