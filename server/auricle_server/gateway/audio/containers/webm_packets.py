"""The packets of a WebM stream (RFC 8794, RFC 9559) that carries Opus, as browsers record it."""

from __future__ import annotations

from auricle_server.gateway.audio.containers.errors import UndecodableAudio

_ENTERED = {0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xA0}
"""Segment, Cluster, Tracks, TrackEntry and BlockGroup: what is in them comes next, wherever they end."""
_TRACK_NUMBER, _CODEC, _SIMPLE_BLOCK, _BLOCK = 0xD7, 0x86, 0xA3, 0xA1
_READ = {_TRACK_NUMBER, _CODEC, _SIMPLE_BLOCK, _BLOCK}
_OPUS = b"A_OPUS"
_LONGEST = 1 << 20
_LACED = 0x06
_LONGEST_ID, _LONGEST_SIZE = 4, 8


class WebmPackets:
    """Takes bytes; returns packets of the first track with Opus."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._skip = 0
        self._number = 0
        """Of the track whose description has come last."""
        self._track: int | None = None

    def push(self, data: bytes) -> list[bytes]:
        """The packets that end in these bytes.

        Raises:
            UndecodableAudio: They are no WebM, or carry no Opus.
        """
        self._data += data
        packets: list[bytes] = []
        while self._next(packets):
            pass
        return packets

    def _next(self, packets: list[bytes]) -> bool:
        """Takes an element; false while some of it is missing."""
        data = self._data
        if self._skip:
            skipped = min(self._skip, len(data))
            del data[:skipped]
            self._skip -= skipped
        kind = _number(data, 0, _LONGEST_ID, marked=True)
        size = None if kind is None else _number(data, kind[1], _LONGEST_SIZE, marked=False)
        if self._skip or kind is None or size is None:
            return False
        (identity, _), (length, end) = kind, size
        if identity in _ENTERED:
            del data[:end]
        elif identity not in _READ:
            self._skip = length
            del data[:end]
        elif length > _LONGEST:
            raise UndecodableAudio("the audio is damaged: an element of WebM is too large")
        elif len(data) < end + length:
            return False
        else:
            self._take(identity, bytes(data[end : end + length]), packets)
            del data[: end + length]
        return True

    def _take(self, identity: int, content: bytes, packets: list[bytes]) -> None:
        if identity == _TRACK_NUMBER:
            self._number = int.from_bytes(content)
        elif identity == _CODEC:
            if content.rstrip(b"\0") == _OPUS and self._track is None:
                self._track = self._number
        elif self._track is None:
            raise UndecodableAudio("the WebM stream does not carry Opus; send Opus")
        else:
            packets += self._packet(content)

    def _packet(self, block: bytes) -> list[bytes]:
        track = _number(block, 0, _LONGEST_SIZE, marked=False)
        if track is None or len(block) < track[1] + 3 or track[0] != self._track:
            return []
        if block[track[1] + 2] & _LACED:
            raise UndecodableAudio("the WebM stream has several packets in one block, which is not supported")
        return [block[track[1] + 3 :]]


def _number(data: bytes | bytearray, at: int, longest: int, *, marked: bool) -> tuple[int, int] | None:
    """A number whose leading zero bits say how long it is, and where it ends; None while some of it is missing.

    Args:
        data: Holds it.
        at: Its offset.
        longest: Bytes at most.
        marked: Whether the bit that ends the zeros belongs to it, as in identifiers.

    Raises:
        UndecodableAudio: It is longer than that.
    """
    if at >= len(data):
        return None
    length = 9 - data[at].bit_length()
    if length > longest:
        raise UndecodableAudio("the audio is damaged: an element of WebM should begin where none does")
    if at + length > len(data):
        return None
    value = int.from_bytes(data[at : at + length])
    return value if marked else value & ((1 << 7 * length) - 1), at + length
