"""The pages of an Ogg file (RFC 3533): where it really ends, and where another file was appended.

The last page gives the length. A recording that broke off ends within a page, which a decoder drops as damaged,
seconds of sound with it; its whole packets are kept here, as a page of their own. Files put one after the other (or a
radio's recording) are one file by the standard; libsndfile reads the first, so each is read by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from auricle_server.audio_files.pieced_file import ByteSpan, ByteWindow, Piece

_CONTINUED, _FIRST, _LAST = 1, 2, 4
_MAGIC = b"OggS"
_HEADER = 27
_FAR = 1 << 40
"""A position after every end, with which a decoder reads all packets. Larger ones overflow in libopusfile."""


@dataclass(frozen=True, slots=True)
class OggPage:
    """A page as far as the file has it.

    Attributes:
        at: Its offset.
        end: Offset of the byte after it.
        flags: Continued, first and last page of its stream.
        position: Samples up to the end of the last packet that ends in it; -1 for none.
        whole: Whether the file has all of it.
    """

    at: int
    end: int
    flags: int
    position: int
    whole: bool


def true_streams(descriptor: int, size: int) -> list[list[Piece]]:
    """The pieces of each stream of an Ogg file, one after the other in time; empty when this is no Ogg file."""
    if size < _HEADER:
        return []
    data = ByteWindow(descriptor, size)
    if data.at(0, 4) != _MAGIC:
        return []
    return [_stream(data, pages) for pages in _split(list(_pages(data)))]


def _pages(data: ByteWindow) -> Iterator[OggPage]:
    at = 0
    while at >= 0 and len(head := data.at(at, _HEADER)) == _HEADER:
        flags, position, segments = head[5], *struct.unpack_from("<q", head, 6), head[26]
        end = at + _HEADER + segments + sum(data.at(at + _HEADER, segments))
        yield OggPage(at, min(end, data.size), flags, position, end <= data.size)
        at = end if data.at(end, 4) == _MAGIC else data.find(_MAGIC, end)


def _split(pages: list[OggPage]) -> list[list[OggPage]]:
    """A first page after one that is none begins another stream."""
    streams: list[list[OggPage]] = [[]]
    for page in pages:
        if page.flags & _FIRST and streams[-1] and not streams[-1][-1].flags & _FIRST:
            streams.append([])
        streams[-1].append(page)
    return streams


def _stream(data: ByteWindow, pages: list[OggPage]) -> list[Piece]:
    last = pages[-1]
    if not last.whole:
        # The rest of a page that breaks off, and its packets that ended before.
        return [ByteSpan(pages[0].at, last.at), _shortened(data, last)]
    before = max((page.position for page in pages[:-1]), default=0)
    if last.position > before or last.flags & _FIRST or len(pages) < 3:
        return [ByteSpan(pages[0].at, last.end)]
    page = _with_position(bytearray(data.at(last.at, last.end - last.at)))
    return [ByteSpan(pages[0].at, last.at), page]


def _shortened(data: ByteWindow, page: OggPage) -> bytes:
    """The packets that end within the part of the page that there is; nothing if there is none."""
    head = bytearray(data.at(page.at, _HEADER))
    lacings = data.at(page.at + _HEADER, head[26])
    body = page.at + _HEADER + len(lacings)
    kept, size, ends = 0, 0, 0
    for number, lacing in enumerate(lacings, 1):
        size += lacing
        if body + size > data.size:
            break
        if lacing < 255:  # a packet ends with the first lacing value below 255 (RFC 3533, section 6)
            kept, ends = number, size
    if not kept:
        return b""
    head[26] = kept
    return _with_position(head + lacings[:kept] + data.at(body, ends))


def _with_position(page: bytearray) -> bytes:
    struct.pack_into("<q", page, 6, _FAR)
    page[22:26] = bytes(4)
    page[22:26] = struct.pack("<I", _checksum(page))
    return bytes(page)


def _checksum(page: bytearray) -> int:
    """RFC 3533, section 6: the polynomial 0x04c11db7, from the highest bit, without inversion."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value
