"""Unpacks gzipped ``.nemo`` archives, once each, to plain ones in the local cache. Loads no tensor library.

NVIDIA publishes the multilingual archive gzipped. Its weights cannot be mapped there, and `torch.load` seeks backwards,
upon which everything before is decompressed again: 276 s for the published file, which decompresses in seconds.

The copy is in ``auricle/nemo`` of the folder that `huggingface_hub` names for what libraries derive from downloads
(``HF_ASSETS_CACHE``, by default ``assets`` in ``HF_HOME``). It may be deleted at any time.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import logging
import os
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from auricle_server.checkpoints.errors import BadCheckpoint, UnpackFailed
from auricle_server.checkpoints.nemo.bounded_streams import BoundedGzip
from auricle_server.checkpoints.progress import Report

log = logging.getLogger(__name__)

_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20
_POLL_SECONDS = 0.2
"""Pause between looks at the file that another process writes."""


def is_gzipped(path: Path) -> bool:
    """Whether the file begins as gzip files do (RFC 1952, section 2.3.1)."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def find_unpacked(archive: Path) -> Path | None:
    """The plain copy of a gzipped archive in the cache; None where there is none of just this file."""
    copy = _copy_of(archive)
    return copy if copy.is_file() else None


def unpack(archive: Path, report: Report) -> Path:
    """The plain copy of a gzipped archive in the cache, made when it is missing.

    When another process unpacks the same archive, this one waits for it. The copy appears when it is complete.

    Args:
        archive: A gzipped file.
        report: Receives the progress.

    Raises:
        BadCheckpoint: The archive is damaged or cut short.
        UnpackFailed: The disk is full, or the cache cannot be written to.
    """
    copy = _copy_of(archive)
    if copy.is_file():
        return copy
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with _locked(copy.with_suffix(".part"), archive, report) as stream:
            if not copy.is_file():  # else another process has made it meanwhile
                _write(archive, stream, report)
                Path(stream.name).replace(copy)
    except OSError as error:
        raise UnpackFailed(_refused(archive, copy.parent, error)) from error
    _delete_older(copy)
    return copy


def _copy_of(archive: Path) -> Path:
    """The copy's path: it depends on the archive's path, size and time of change, so that a new file gets a new one."""
    from huggingface_hub.constants import HF_ASSETS_CACHE

    path = archive.resolve()
    status = path.stat()
    stamp = f"{status.st_size:x}-{status.st_mtime_ns:x}"
    return Path(HF_ASSETS_CACHE) / "auricle" / "nemo" / f"{_prefix(archive.stem, path)}{stamp}.nemo"


def _prefix(stem: str, path: Path) -> str:
    return f"{stem}.{hashlib.sha256(str(path).encode()).hexdigest()[:12]}."


@contextmanager
def _locked(part: Path, archive: Path, report: Report) -> Iterator[IO[bytes]]:
    """The incomplete copy, locked. The system releases the lock with the file, also when this process is killed."""
    size = _plain_size(archive)
    with part.open("ab") as stream:
        while not _lock(stream):
            report(archive.name, min(part.stat().st_size if part.exists() else size, size), size)
            time.sleep(_POLL_SECONDS)
        yield stream


def _lock(stream: IO[bytes]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(archive: Path, stream: IO[bytes], report: Report) -> None:
    """Decompresses the archive to the locked file; a failure leaves that empty, but for what is in its buffer."""
    os.ftruncate(stream.fileno(), 0)  # what a killed process has left
    size, free = _plain_size(archive), shutil.disk_usage(Path(stream.name).parent).free
    if free < size:
        raise OSError(errno.ENOSPC, f"{size / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB free")
    try:
        _decompress(archive, stream, report)
    except BaseException:
        # Not `stream.truncate`, which would first write what has just not gone onto the disk.
        os.ftruncate(stream.fileno(), 0)
        raise


def _decompress(archive: Path, stream: IO[bytes], report: Report) -> None:
    size = archive.stat().st_size
    with BoundedGzip(archive) as plain:
        try:
            while block := plain.read(_BLOCK):
                stream.write(block)
                report(archive.name, min(plain.packed_bytes, size - 1), size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadCheckpoint(
                f"{archive} is not a readable .nemo archive ({error}); if it was downloaded or copied, it may be cut "
                f"short"
            ) from error
    stream.flush()
    # Before the rename: a file that a crash of the machine has left empty would be taken for the copy.
    os.fsync(stream.fileno())
    report(archive.name, size, size)


def _plain_size(archive: Path) -> int:
    """Bytes of the content, modulo 4 GiB: the last field of a gzip file (RFC 1952, section 2.3.1)."""
    with archive.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 4))
        return int(struct.unpack("<I", stream.read(4).rjust(4, b"\0"))[0])


def _delete_older(copy: Path) -> None:
    """Deletes copies of earlier files at the same path. Processes that have mapped one keep it."""
    prefix = copy.name.removesuffix(".nemo").rpartition(".")[0]
    for other in copy.parent.iterdir():
        if other != copy and other.name.startswith(f"{prefix}.") and not _is_written(other):
            log.info("deleted the unpacked copy of an earlier file: %s", other)
            other.unlink(missing_ok=True)


def _is_written(path: Path) -> bool:
    """Whether a process writes this incomplete copy now."""
    if path.suffix != ".part":
        return False
    with path.open("ab") as stream:
        return not _lock(stream)


def _refused(archive: Path, folder: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return (
        f"{archive} is gzipped and cannot be unpacked to {folder}: {reason}. Free some space or set HF_ASSETS_CACHE to "
        f"another folder, or use the model's safetensors"
    )
