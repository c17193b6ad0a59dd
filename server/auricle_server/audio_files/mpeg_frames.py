"""The number of frames of an MP3 file.

An MP3 file has no length. Encoders write one into the first frame (the tag "Xing", or "Info"), which decodes to
silence. Without it libsndfile's decoder guesses the length from the size and the first bitrate, and stops there: of a
recording with a variable bitrate it reads less than half. A file whose end is missing, or to which another one was
appended, has a wrong one. So the frames are counted, and the first frame says how many there are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from auricle_server.audio_files.pieced_file import ByteSpan, ByteWindow, Piece

# ISO 11172-3, 2.4.2.3, and ISO 13818-3: kbit/s of layer III, and Hz. The rows are MPEG 1, and 2 with 2.5.
_KBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_LAYER_3 = 1
_MONO = 3
_COUNT, _BYTES = 1, 2  # flags of the tag: which fields it has
_TAG_BYTES = 156  # of the longest tag; a decoder does not look for one in a shorter frame
_ID3_BYTES = 10
_EMPTY_ID3 = b"ID3\x04\0\0\0\0\0\x0a".ljust(_ID3_BYTES + 10, b"\0")
"""By this libsndfile knows an MP3 file that it reads through callbacks. It ignores a tag without content."""


@dataclass(frozen=True, slots=True)
class MpegFrame:
    """The header of a frame of layer III: its four bytes as a number."""

    word: int

    @property
    def version(self) -> int:
        """3 for MPEG 1, 2 for MPEG 2, 0 for MPEG 2.5."""
        return self.word >> 19 & 3

    @property
    def length(self) -> int:
        """Bytes, with the header."""
        low = self.version != 3
        kbits, rate = _KBITS[low][self.word >> 12 & 15], _RATES[self.version][self.word >> 10 & 3]
        return (72_000 if low else 144_000) * kbits // rate + (self.word >> 9 & 1)

    @property
    def tag_offset(self) -> int:
        """Where the tag begins, after the header and the side information."""
        mono = self.word >> 6 & 3 == _MONO
        return 4 + ((17 if mono else 32) if self.version == 3 else (9 if mono else 17))

    def like(self, other: MpegFrame) -> bool:
        """Whether both have the same version and rate, which do not change within a file."""
        return (self.word ^ other.word) & 0xFFFE0C00 == 0


def with_true_length(descriptor: int, size: int) -> list[Piece] | None:
    """The pieces of an MP3 file whose first frame gives its length; None when this is no MP3."""
    if size < _ID3_BYTES:
        return None
    data = ByteWindow(descriptor, size)
    first = _first_frame(data)
    return None if first is None else [_EMPTY_ID3, *_tagged(data, *first)]


def _tagged(data: ByteWindow, at: int, frame: MpegFrame) -> list[Piece]:
    count, end = _count(data, at, frame)
    tag, size = at + frame.tag_offset, data.size
    if data.at(tag, 4) not in {b"Xing", b"Info"}:
        return [_tagged_frame(frame, count, end - at), ByteSpan(at, size)]
    flags = _number(data, tag + 4)
    if not flags & _COUNT:
        after = at + frame.length
        return [_tagged_frame(frame, count - 1, end - after), ByteSpan(after, size)]
    if _number(data, tag + 8) == count - 1:
        return [ByteSpan(at, size)]
    fields = struct.pack(">II", count - 1, end - at)[: 8 if flags & _BYTES else 4]
    return [ByteSpan(at, tag + 8), fields, ByteSpan(tag + 8 + len(fields), size)]


def _number(data: ByteWindow, at: int) -> int:
    """Four bytes as a number; what the file does not have counts as 0."""
    return int.from_bytes(data.at(at, 4).ljust(4, b"\0"))


def _frame_at(data: ByteWindow, at: int) -> MpegFrame | None:
    word = _number(data, at)
    if word >> 21 != 0x7FF or word >> 19 & 3 == 1 or word >> 17 & 3 != _LAYER_3:
        return None
    # A bitrate of 0 ("free") has no length; 15, and a rate of 3, do not exist.
    return MpegFrame(word) if word >> 12 & 15 not in {0, 15} and word >> 10 & 3 != 3 else None


def _first_frame(data: ByteWindow) -> tuple[int, MpegFrame] | None:
    """The first frame, after tags (ID3v2, 3.1: ten bytes, of which four are a size of 7 bits each)."""
    at = 0
    while data.at(at, 3) == b"ID3" and at + _ID3_BYTES <= data.size:
        a, b, c, d = data.at(at + 6, 4)
        at += _ID3_BYTES + (a << 21 | b << 14 | c << 7 | d)
    frame = _frame_at(data, at)
    if frame is None:
        return None
    following = _frame_at(data, at + frame.length)
    return (at, frame) if following is not None and following.like(frame) else None


def _count(data: ByteWindow, at: int, first: MpegFrame) -> tuple[int, int]:
    """Whole frames from `at` on, and where the last one ends. What lies between frames is skipped."""
    count, end = 0, at
    while True:
        frame = _frame_at(data, at)
        if frame is not None and frame.like(first):
            if at + frame.length > data.size:
                return count, end
            count, at = count + 1, at + frame.length
            end = at
            continue
        at = data.find(b"\xff", at + 1)
        if at < 0:
            return count, end


def _tagged_frame(first: MpegFrame, count: int, size: int) -> bytes:
    """A frame of silence with the tag: the first frame's header, without a checksum, at a bitrate that has the room."""
    frames = (MpegFrame(first.word & 0xFFFF0DFF | 0x10000 | kbits << 12) for kbits in range(1, 15))
    frame = next(each for each in frames if each.length >= each.tag_offset + _TAG_BYTES)
    tag = b"Xing" + struct.pack(">III", _COUNT | _BYTES, count, size + frame.length)
    head = struct.pack(">I", frame.word).ljust(frame.tag_offset, b"\0") + tag
    return head.ljust(frame.length, b"\0")
