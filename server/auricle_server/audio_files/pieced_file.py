"""A file whose header has been corrected: parts of the one on the disk, and bytes that stand for others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """The bytes of a file from `start` to `end`."""

    start: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.start)


Piece = bytes | ByteSpan
_BLOCK_BYTES = 1 << 18


def replaced(size: int, offset: int, new: bytes) -> list[Piece]:
    """A file of `size` bytes with `new` in the place of as many bytes at `offset`."""
    return [ByteSpan(0, offset), new, ByteSpan(offset + len(new), size)]


class PiecedFile:
    """Pieces one after the other as one readable, seekable file; libsndfile reads it through callbacks.

    Args:
        descriptor: The file that holds the spans. Its position is neither used nor moved.
        pieces: What the file consists of.
    """

    def __init__(self, descriptor: int, pieces: Sequence[Piece]) -> None:
        self._descriptor = descriptor
        self._pieces = [piece for piece in pieces if len(piece)]
        self._position = 0
        self.size = sum(map(len, self._pieces))
        self.error: OSError | None = None
        """What the disk said; a callback cannot raise through libsndfile, which sees the end of the file instead."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes: fewer than asked for at the end only."""
        size = self.size - self._position if size < 0 else size
        try:
            data = self.at(self._position, size)
        except OSError as error:
            self.error = error
            return b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves the position of `read`, and returns it."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        """The position of `read`."""
        return self._position

    def at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer at the end of the file.

        Raises:
            OSError: The disk cannot be read.
        """
        parts, begins = [], 0
        for piece in self._pieces:
            ends = begins + len(piece)
            if begins < offset + size and offset < ends:
                parts.append(self._part(piece, max(offset - begins, 0), min(offset + size, ends) - begins))
            begins = ends
        return b"".join(parts)

    def _part(self, piece: Piece, start: int, end: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[start:end]
        return os.pread(self._descriptor, end - start, piece.start + start)


class ByteWindow:
    """A file that is read at many near positions, a block at a time.

    Unlike a mapped file it raises an error where the disk fails, or where somebody shortens the file.

    Args:
        descriptor: The file. Its position is neither used nor moved.
        size: Bytes of it.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self._start = 0
        self._block = b""

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset` on; fewer at the end of the file.

        Raises:
            OSError: The disk cannot be read.
        """
        start = offset - self._start
        if start < 0 or start + count > len(self._block):
            self._block = os.pread(self._descriptor, max(count, _BLOCK_BYTES), offset)
            self._start, start = offset, 0
        return self._block[start : start + count]

    def find(self, wanted: bytes, offset: int) -> int:
        """The first position of `wanted` from `offset` on; -1 for none.

        Raises:
            OSError: The disk cannot be read.
        """
        while offset < self.size:
            found = self.at(offset, _BLOCK_BYTES).find(wanted)
            if found >= 0:
                return offset + found
            offset += _BLOCK_BYTES - len(wanted) + 1
        return -1
