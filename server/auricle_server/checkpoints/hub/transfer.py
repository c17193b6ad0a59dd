"""Brings one file over HTTP: goes on where it stopped, and looks whether it is the file that was named.

`huggingface_hub` starts anew when a download was interrupted, and compares lengths only.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from auricle_server.checkpoints.errors import DownloadFailed

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""In a row without a byte; an attempt that brought some counts anew."""
PAUSE = 0.25
"""Seconds after the first attempt in vain; longer after the next ones."""
BLOCK = 1 << 20
PARTIAL = 206
RANGE_NOT_SATISFIABLE = 416

Report = Callable[[str, int, int], None]
"""Is told a file's name, how many bytes of it are here, and its size."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        name: Within the repository.
        size: Bytes.
        sha256: Of its content, for large files; None where the hub names the next one instead.
        git: SHA-1 of git's blob object of it.
    """

    name: str
    size: int
    sha256: str | None
    git: str | None

    @property
    def digest(self) -> str:
        """What the content is known, and stored in the cache, by."""
        return self.sha256 or self.git or ""

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` has this content. Reads all of it."""
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size)  # noqa: S324 - git's
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
        return digest.hexdigest() == self.digest


def transfer(file: RemoteFile, address: str, blob: Path, report: Report) -> None:
    """Brings `file` from `address` to `blob`.

    What has come is kept beside it until the file is whole, for the next try. Another process that brings the same file
    is waited for.

    Raises:
        DownloadFailed: The disk is full, the connection breaks again and again, or the content is another one.
        OSError: The hub or the disk refuses.
    """
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(f"{blob.name}.part")
    with part.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if blob.exists():  # another process has brought it meanwhile, and this file is that one
            return
        _complete(file, address, stream, report)
    if not file.matches(part):
        part.unlink()
        raise DownloadFailed(
            f"{file.name} came damaged: its checksum is not the one that the hub names ({file.digest[:12]}...). "
            f"What came is deleted; try again, and look at proxies and disks if it happens again"
        )
    part.replace(blob)


def _complete(file: RemoteFile, address: str, stream: IO[bytes], report: Report) -> None:
    left = ATTEMPTS
    while (there := stream.seek(0, 2)) != file.size:
        if there > file.size:
            stream.truncate(0)
            continue
        _look_for_room(file, stream, there)
        failure = _attempt(file, address, stream, there, report)
        left = left - 1 if stream.seek(0, 2) <= there else ATTEMPTS
        if failure is not None:
            log.warning("%s was cut off: %s", file.name, failure)
        if left == 0:
            raise DownloadFailed(
                f"{file.name} was cut off at {there / 1e6:.0f} of {file.size / 1e6:.0f} MB "
                f"({failure or 'no more came'}). What came is kept: the same command goes on from there"
            )
        time.sleep(PAUSE * (ATTEMPTS - left))
    report(file.name, file.size, file.size)


def _attempt(file: RemoteFile, address: str, stream: IO[bytes], there: int, report: Report) -> Exception | None:
    """Appends what comes; what broke the connection, if something did."""
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]  # not listed as exported
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]  # likewise

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    try:
        with get_session().stream("GET", address, headers=headers, follow_redirects=True) as response:
            if response.status_code == RANGE_NOT_SATISFIABLE:
                stream.truncate(0)
                return None
            hf_raise_for_status(response)
            if there and response.status_code != PARTIAL:
                stream.truncate(0)  # all of it comes again
            _append(file, response, stream, report)
    except HfHubHTTPError:
        raise
    except HTTPError as error:
        return error
    return None


def _append(file: RemoteFile, response: Any, stream: IO[bytes], report: Report) -> None:
    try:
        for block in response.iter_bytes():  # as it comes: a block that is waited for is lost when the line breaks
            stream.write(block)
            report(file.name, stream.tell(), file.size)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DownloadFailed(_full(file, Path(stream.name), 0)) from error
        raise
    finally:
        stream.flush()


def _look_for_room(file: RemoteFile, stream: IO[bytes], there: int) -> None:
    free = shutil.disk_usage(Path(stream.name).parent).free
    if free < file.size - there:
        raise DownloadFailed(_full(file, Path(stream.name), free))


def _full(file: RemoteFile, path: Path, free: int) -> str:
    return (
        f"no room for {file.name}: {file.size / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free at {path.parent}. "
        f"Make room, or name another folder with HF_HOME"
    )
