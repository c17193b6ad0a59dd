"""The length of the samples in containers of chunks: WAV, RF64, AIFF, CAF, and Sun's AU.

The header gives it, and a recorder writes it last. One that crashed or wrote to a pipe has left a zero, all bits set,
or the length at the last update. The samples then reach to the end of the file: what follows them is no chunk.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from auricle_server.audio_files.pieced_file import ByteSpan, Piece, PiecedFile, replaced

_ALL_BITS = 0xFFFFFFFF
_TAGS = (b"TAG", b"ID3", b"APETAGEX")
"""What programs for music append to a file, outside of its chunks."""
_NOTES = {b"LIST", b"bext", b"iXML", b"id3 ", b"ID3 ", b"cue ", b"fact", b"PEAK", b"JUNK", b"MARK", b"COMT", b"ANNO"}
"""Chunks that follow samples, even if the file breaks off within one."""


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """How a container writes its chunks: four characters, then the size of what follows.

    Attributes:
        size: `struct` format of the size.
        first: Offset of the first chunk.
        samples: Name of the chunk with the samples.
        padded: Whether a chunk of odd size is followed by a byte that does not count.
    """

    size: str
    first: int
    samples: bytes
    padded: bool = True

    @property
    def header(self) -> int:
        """Bytes of a chunk before its content."""
        return 4 + struct.calcsize(self.size)


_RIFF = ChunkLayout("<I", 12, b"data")
_RIFX = ChunkLayout(">I", 12, b"data")
_AIFF = ChunkLayout(">I", 12, b"SSND")
_CAF = ChunkLayout(">q", 8, b"data", padded=False)


def with_true_length(file: PiecedFile) -> list[Piece] | None:
    """The file with a header that gives the length of its samples; None when there is nothing to correct."""
    head = file.at(0, 12)
    if head[:4] in {b".snd", b"dns."}:
        return _sun(file, head)
    layout = _layout(head)
    return None if layout is None else _chunked(file, head, layout)


def _chunked(file: PiecedFile, head: bytes, layout: ChunkLayout) -> list[Piece] | None:
    chunks = dict(_chunks(file, layout))
    if layout.samples not in chunks:
        return None
    at, stated = chunks[layout.samples]
    wide = chunks.get(b"ds64") if head[:4] in {b"RF64", b"BW64"} else None
    if wide is not None and stated == _ALL_BITS:
        (stated,) = struct.unpack("<Q", file.at(wide[0] + 16, 8).ljust(8, b"\0"))
    true = _true_length(file, layout, at + layout.header, stated)
    if true == stated:
        return None
    if wide is not None:
        return replaced(file.size, wide[0] + 8, struct.pack("<QQ", file.size - 8, true))
    if true >= _ALL_BITS and layout is _RIFF:
        return _as_rf64(at, true)
    return replaced(file.size, at + 4, struct.pack(layout.size, min(true, _ALL_BITS) if layout is not _CAF else true))


def _layout(head: bytes) -> ChunkLayout | None:
    match head[:4], head[8:12]:
        case (b"RIFF" | b"RF64" | b"BW64", b"WAVE"):
            return _RIFF
        case (b"RIFX", b"WAVE"):
            return _RIFX
        case (b"FORM", b"AIFF" | b"AIFC"):
            return _AIFF
        case (b"caff", _):
            return _CAF
    return None


def _chunks(file: PiecedFile, layout: ChunkLayout) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name, offset and stated size of each chunk, up to the one with the samples."""
    at = layout.first
    while len(header := file.at(at, layout.header)) == layout.header:
        (size,) = struct.unpack(layout.size, header[4:])
        yield header[:4], (at, size)
        if header[:4] == layout.samples or size < 0:
            return
        at += layout.header + size + (size & 1 if layout.padded else 0)


def _true_length(file: PiecedFile, layout: ChunkLayout, start: int, stated: int) -> int:
    rest = max(0, file.size - start)
    if not 0 <= stated <= rest:
        return rest
    ends = {start + stated, start + stated + (stated & 1 if layout.padded else 0)}
    return stated if any(_chunk_follows(file, layout, at) for at in ends) else rest


def _chunk_follows(file: PiecedFile, layout: ChunkLayout, at: int) -> bool:
    """Whether the file ends at `at`, or something begins there that is no sound."""
    header = file.at(at, layout.header)
    if not header or header.startswith(_TAGS):
        return True
    if len(header) < layout.header:
        return False
    if header[:4] in _NOTES:
        return True
    (size,) = struct.unpack(layout.size, header[4:])
    # Sound that looks like four printable characters and a size that fits: once in a hundred thousand files.
    return all(0x20 <= byte < 0x7F for byte in header[:4]) and 0 <= size <= file.size - at - layout.header


def _sun(file: PiecedFile, head: bytes) -> list[Piece] | None:
    """AU has one size, and nothing after the samples. All bits set mean "to the end of the file"."""
    order = ">I" if head[:4] == b".snd" else "<I"
    if len(head) < 12:
        return None
    start, stated = (struct.unpack(order, head[offset : offset + 4])[0] for offset in (4, 8))
    if stated == file.size - start:
        return None
    return replaced(file.size, 8, struct.pack(order, _ALL_BITS))


def _as_rf64(at: int, true: int) -> list[Piece]:
    """A WAV whose samples do not fit into its 32 bits, as the container that has 64 (EBU Tech 3306)."""
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, at + 36 + true, true, 0, 0)
    head = struct.pack("<4sI4s", b"RF64", _ALL_BITS, b"WAVE") + sizes
    return [head, ByteSpan(12, at), struct.pack("<4sI", b"data", _ALL_BITS), ByteSpan(at + 8, at + 8 + true)]
