"""Streams of archives that give no more than an honest archive holds. Loads no tensor library."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from tarfile import ReadError, TarError
from typing import BinaryIO

from auricle_server.checkpoints.errors import BadCheckpoint

UNREADABLE = (
    TarError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    RecursionError,
)
"""What Python's libraries raise for damaged archives."""
_SPARE_BYTES = 64 << 20
_MOST_RATIO = 20
"""Weights hardly shrink: NVIDIA's gzipped archive holds 1.1 times its size."""
_HEADER_BYTES = 4 << 20
"""Bytes of all headers of a tar file; an archive of ten files has 10 kB."""


def most_unpacked(packed: int) -> int:
    """Most bytes that a gzipped archive of `packed` bytes may hold."""
    return _SPARE_BYTES + _MOST_RATIO * packed


class BoundedGzip(gzip.GzipFile):
    """The content of a gzipped archive; refused where it is far larger than the archive."""

    def __init__(self, path: Path) -> None:
        self._packed = path.open("rb")
        super().__init__(fileobj=self._packed, mode="rb")
        self._path, self._most = path, most_unpacked(path.stat().st_size)

    @property
    def packed_bytes(self) -> int:
        """Bytes of the archive that have been read."""
        return self._packed.tell()

    def close(self) -> None:
        """Closes the archive as well."""
        super().close()
        self._packed.close()

    def read(self, size: int | None = -1) -> bytes:
        """As of any file.

        Raises:
            BadCheckpoint: More has come than weights in an archive of its size can be.
        """
        # One byte more than allowed is enough to know.
        left = self._most + 1 - self.tell()
        content = super().read(left if size is None or size < 0 else min(size, left))
        self._check(self.tell())
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file. Raises like `read`."""
        self._check(offset)
        return super().seek(offset, whence)

    def _check(self, at: int) -> None:
        if at > self._most:
            raise BadCheckpoint(f"{self._path} holds over {_MOST_RATIO} times its own size; weights do not shrink so")


class TarStream:
    """The stream of a tar file, which bounds what is read of it for headers.

    A header may say that a name of gigabytes follows, and be followed by another such header without end.

    Args:
        stream: The file.
    """

    def __init__(self, stream: BinaryIO | BoundedGzip) -> None:
        self._stream = stream
        self._left: int | None = _HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        """As of any file.

        Raises:
            tarfile.ReadError: The headers are larger than those of any checkpoint.
        """
        if self._left is not None:
            self._left -= max(0, size)
            if size < 0 or self._left < 0:
                raise ReadError(f"its headers take more than {_HEADER_BYTES} bytes")
        return self._stream.read(size)

    def seek(self, offset: int) -> int:
        """As of any file."""
        return self._stream.seek(offset)

    def tell(self) -> int:
        """As of any file."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """As of any file."""
        return True

    def end_of_headers(self) -> None:
        """What is read from now on is content."""
        self._left = None
