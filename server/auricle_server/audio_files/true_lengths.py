"""A recording as its decoder should see it: with the length that it has, whatever its header says."""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.audio_files import chunk_lengths, mpeg_frames, ogg_pages
from auricle_server.audio_files.pieced_file import ByteSpan, Piece, PiecedFile
from auricle_server.audio_files.sources import AudioSource

_FLAC_LENGTH = 21  # from the start of the file: the low four bits of this byte, and the four bytes after it
_ID3_HEADER = 10
_ID3V1_BYTES = 128


@dataclass(frozen=True, slots=True)
class TrueLength:
    """A file for a decoder.

    Attributes:
        file: Its bytes.
        stated: Samples of each channel by its header, where the decoder does not see it any more; 0 is unknown. None
            when the decoder's own count is the file's.
    """

    file: PiecedFile
    stated: int | None = None


def true_lengths(source: AudioSource) -> list[TrueLength]:
    """The files that a recording consists of, one after the other in time: one, or each of a chained Ogg file.

    Raises:
        OSError: The disk cannot be read.
    """
    descriptor, size = source.descriptor, source.size
    whole: list[Piece] = [ByteSpan(0, size)]
    file = PiecedFile(descriptor, whole)
    head = file.at(0, 4)
    if streams := ogg_pages.true_streams(descriptor, size):
        return [TrueLength(PiecedFile(descriptor, pieces)) for pieces in streams]
    if (start := _flac_start(file)) is not None:
        return [_flac(descriptor, file, start)]
    pieces = chunk_lengths.with_true_length(file)
    if pieces is None and (head[:3] == b"ID3" or head[:1] == b"\xff"):
        pieces = mpeg_frames.with_true_length(descriptor, size)
    return [TrueLength(PiecedFile(descriptor, pieces or whole))]


def _flac_start(file: PiecedFile) -> int | None:
    """Where a FLAC stream begins, also after a tag of the kind that MP3 files have."""
    at, head = 0, file.at(0, _ID3_HEADER)
    if head[:3] == b"ID3" and len(head) == _ID3_HEADER:
        a, b, c, d = head[6:]
        at = _ID3_HEADER + (a << 21 | b << 14 | c << 7 | d)
    return at if file.at(at, 4) == b"fLaC" else None


def _flac(descriptor: int, file: PiecedFile, start: int) -> TrueLength:
    """Without a length, which is legal (RFC 9639, section 8.2), the decoder reads to the end instead of the length."""
    end = file.size - _ID3V1_BYTES
    end = end if file.at(end, 3) == b"TAG" else file.size  # no part of a stream, whose end the decoder would not know
    at = start + _FLAC_LENGTH
    length = file.at(at, 5)
    if len(length) < 5:
        return TrueLength(file)
    cleared = bytes([length[0] & 0xF0, 0, 0, 0, 0])
    pieces: list[Piece] = [ByteSpan(0, at), cleared, ByteSpan(at + 5, end)]
    return TrueLength(PiecedFile(descriptor, pieces), int.from_bytes(length) & 0xF_FFFF_FFFF)
