"""Downloads one file over HTTP: resumes where it stopped, and checks the content.

`huggingface_hub` starts again when a download was interrupted, and compares lengths only.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from auricle_server.checkpoints.errors import DownloadFailed
from auricle_server.checkpoints.progress import Report

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""Failed attempts in a row after which a download fails; an attempt that receives something resets the count."""
PAUSE = 0.25
"""Seconds of pause after the first failed attempt; longer after the next ones."""
BLOCK = 1 << 20
PARTIAL = 206
RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        name: Within the repository.
        size: Bytes.
        sha256: SHA-256 of its content, for large files; None where the hub names `git` instead.
        git: SHA-1 of its git blob object.
    """

    name: str
    size: int
    sha256: str | None
    git: str | None

    @property
    def digest(self) -> str:
        """Checksum of the content, which is its name in the cache."""
        return self.sha256 or self.git or ""

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` has this content. Reads all of it."""
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size)  # noqa: S324 - git's
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
        return digest.hexdigest() == self.digest


def transfer(file: RemoteFile, address: str, blob: Path, report: Report) -> None:
    """Downloads `file` from `address` to `blob`.

    An incomplete file is kept beside it, for the next call to resume. When another process downloads the same file,
    this one waits for it.

    Raises:
        DownloadFailed: The disk is full, the connection breaks repeatedly, or the checksum differs.
        OSError: The hub or the disk refuses.
    """
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(f"{blob.name}.part")
    with part.open("ab") as stream:
        # The system releases the lock with the file, also when this process is killed.
        fcntl.flock(stream, fcntl.LOCK_EX)
        if blob.exists():  # another process has completed the download
            return
        _complete(file, address, stream, report)
    if not file.matches(part):
        part.unlink()
        raise DownloadFailed(
            f"{file.name} came damaged: its checksum is not the one that the hub names ({file.digest[:12]}...). "
            f"The file is deleted; try again, and check proxies and disks if it happens again"
        )
    part.replace(blob)


def _complete(file: RemoteFile, address: str, stream: IO[bytes], report: Report) -> None:
    left = ATTEMPTS
    while (received := stream.seek(0, 2)) != file.size:
        if received > file.size:
            stream.truncate(0)
            continue
        _check_space(file, stream, received)
        failure = _attempt(file, address, stream, received, report)
        left = left - 1 if stream.seek(0, 2) <= received else ATTEMPTS
        if failure is not None:
            log.warning("%s was cut off: %s", file.name, failure)
        if left == 0:
            raise DownloadFailed(
                f"{file.name} was cut off at {received / 1e6:.0f} of {file.size / 1e6:.0f} MB "
                f"({failure or 'nothing more came'}). The part is kept: the same command goes on from there"
            )
        time.sleep(PAUSE * (ATTEMPTS - left))
    report(file.name, file.size, file.size)


def _attempt(file: RemoteFile, address: str, stream: IO[bytes], received: int, report: Report) -> Exception | None:
    """Appends what the server sends. Returns the error that broke the connection, if any."""
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]  # not listed as exported
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]  # likewise

    # A compressed body would have other lengths and other bytes in its ranges than the file.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if received:
        headers["Range"] = f"bytes={received}-"
    try:
        with get_session().stream("GET", address, headers=headers, follow_redirects=True) as response:
            # RFC 9110, section 15.5.17: the file has no such range, so what is here is no part of it.
            if response.status_code == RANGE_NOT_SATISFIABLE:
                stream.truncate(0)
                return None
            hf_raise_for_status(response)
            # RFC 9110, section 14.2: a server may ignore Range.
            if received and response.status_code != PARTIAL:
                stream.truncate(0)  # the server sends the whole file
            _append(file, response, stream, report)
    # An answer and not a broken connection: asking again would bring the same one.
    except HfHubHTTPError:
        raise
    except HTTPError as error:
        return error
    return None


def _append(file: RemoteFile, response: Any, stream: IO[bytes], report: Report) -> None:
    try:
        # Not in blocks of a fixed size: an incomplete one would be lost when the connection breaks.
        for block in response.iter_bytes():
            stream.write(block)
            report(file.name, stream.tell(), file.size)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DownloadFailed(_full(file, Path(stream.name), 0)) from error
        raise
    finally:
        stream.flush()


def _check_space(file: RemoteFile, stream: IO[bytes], received: int) -> None:
    free = shutil.disk_usage(Path(stream.name).parent).free
    if free < file.size - received:
        raise DownloadFailed(_full(file, Path(stream.name), free))


def _full(file: RemoteFile, path: Path, free: int) -> str:
    return (
        f"no room for {file.name}: {file.size / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free at {path.parent}. "
        f"Free some space, or set HF_HOME to another folder"
    )
