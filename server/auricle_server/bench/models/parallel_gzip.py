"""Compresses a file on all processors, to a gzip file of one member, as the program ``gzip`` writes it.

Blocks are compressed beside each other. Each ends on a whole byte (a sync flush of deflate), so they can be joined.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

_BLOCK = 4 << 20
"""Bytes of a block. Deflate looks back 32 KiB, so starting anew in each costs next to nothing."""
_LEVEL = 1
"""The fastest. Weights are noise: higher levels save less than a percent."""
_HEADER = struct.pack("<4BI2B", 0x1F, 0x8B, 8, 0, 0, 0, 255)
"""Deflate, no name, no time, system unknown (RFC 1952, section 2.3)."""


def compress(source: Path, target: Path) -> None:
    """Writes the content of `source` to the gzip file `target`."""
    check, size = 0, 0
    with target.open("wb") as out, ThreadPoolExecutor(os.cpu_count()) as pool:
        out.write(_HEADER)
        for block, compressed in _compressed(_blocks(source), pool):
            check, size = zlib.crc32(block, check), size + len(block)
            out.write(compressed)
        out.write(zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS).flush())  # the empty last block
        out.write(struct.pack("<2I", check, size & 0xFFFFFFFF))


def _blocks(source: Path) -> Iterator[bytes]:
    with source.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _compressed(blocks: Iterator[bytes], pool: ThreadPoolExecutor) -> Iterator[tuple[bytes, bytes]]:
    """Each block with its compressed form, in order; a few are under way at any time."""
    under_way: deque[tuple[bytes, Future[bytes]]] = deque()
    for block in blocks:
        under_way.append((block, pool.submit(_deflate, block)))
        if len(under_way) > 2 * (os.cpu_count() or 1):
            done, future = under_way.popleft()
            yield done, future.result()
    for block, future in under_way:
        yield block, future.result()


def _deflate(block: bytes) -> bytes:
    # zlib releases the interpreter's lock.
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(block) + deflater.flush(zlib.Z_SYNC_FLUSH)
