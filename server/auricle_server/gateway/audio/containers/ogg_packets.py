"""The packets of an Ogg stream (RFC 3533) that carries Opus (RFC 7845), as its pages come."""

from __future__ import annotations

from auricle_server.gateway.audio.containers.errors import UndecodableAudio

_MAGIC = b"OggS"
_HEADER = 27
_CONTINUED = 1
_LONGEST_SEGMENT = 255
_LONGEST_PACKET = 1 << 20
_HEADERS = (b"OpusHead", b"OpusTags")


class OggPackets:
    """Takes bytes; returns packets of Opus.

    Pages of another stream in the same file, which a recorder does not write, are refused with their first packet.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._packet = bytearray()
        """The beginning of a packet that goes on in the next page."""
        self._began = False

    def push(self, data: bytes) -> list[bytes]:
        """The packets that end in these bytes.

        Raises:
            UndecodableAudio: They are no pages of Ogg, or carry something else than Opus.
        """
        self._data += data
        packets: list[bytes] = []
        while (size := self._page_size()) is not None:
            packets += self._packets(bytes(self._data[:size]))
            del self._data[:size]
        return packets

    def _page_size(self) -> int | None:
        """Bytes of the page that has come first; None while some of it is missing."""
        data = self._data
        if data[:4] != _MAGIC[: len(data)]:
            raise UndecodableAudio("the audio is damaged: a page of Ogg should begin where none does")
        if len(data) < _HEADER or len(data) < (table := _HEADER + data[26]):
            return None
        size = table + sum(data[_HEADER:table])
        return size if len(data) >= size else None

    def _packets(self, page: bytes) -> list[bytes]:
        if not page[5] & _CONTINUED:
            self._packet.clear()
        packets, at = list[bytes](), _HEADER + page[26]
        for length in page[_HEADER:at]:
            self._packet += page[at : at + length]
            at += length
            if len(self._packet) > _LONGEST_PACKET:
                raise UndecodableAudio("the audio is damaged: a packet of Ogg has no end")
            if length < _LONGEST_SEGMENT:
                packets += self._checked(bytes(self._packet))
                self._packet.clear()
        return packets

    def _checked(self, packet: bytes) -> list[bytes]:
        if packet.startswith(_HEADERS):
            self._began = True
            return []
        if not self._began:
            raise UndecodableAudio("the Ogg stream does not carry Opus; send Opus")
        return [packet]
