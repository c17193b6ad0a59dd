"""The samples of a WAV stream, after its header."""

from __future__ import annotations

import struct

from auricle_server.gateway.audio.containers.errors import UndecodableAudio

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_CODECS = {
    (_PCM, 8): "pcm_u8",
    (_PCM, 16): "pcm_s16le",
    (_PCM, 24): "pcm_s24le",
    (_PCM, 32): "pcm_s32le",
    (_FLOAT, 32): "pcm_f32le",
    (_FLOAT, 64): "pcm_f64le",
    (_ALAW, 8): "pcm_alaw",
    (_MULAW, 8): "pcm_mulaw",
}
"""Codecs of libav by format code (RFC 2361) and bits of a sample."""
_MOST_CHANNELS = 64
_LONGEST_FORMAT = 1 << 10


class WaveBlocks:
    """Takes bytes; returns whole samples of all channels.

    Attributes:
        codec: Of libav; empty before the header has come.
        rate: In Hz.
        channels: Number of channels.
    """

    def __init__(self) -> None:
        self.codec = ""
        self.rate = self.channels = 0
        self._data = bytearray()
        self._skip = 12  # "RIFF", the size, "WAVE"
        self._block = 0

    def push(self, data: bytes) -> list[bytes]:
        """The samples that end in these bytes. What follows them in a file is taken for samples, too.

        Raises:
            UndecodableAudio: The header is damaged, or says what is not supported.
        """
        self._data += data
        while not self._block and self._chunk():
            pass
        whole = len(self._data) - len(self._data) % self._block if self._block else 0
        samples = bytes(self._data[:whole])
        del self._data[:whole]
        return [samples] if samples else []

    def _chunk(self) -> bool:
        """Takes a chunk of the header; false while some of it is missing."""
        skipped = min(self._skip, len(self._data))
        del self._data[:skipped]
        self._skip -= skipped
        if self._skip or len(self._data) < 8:
            return False
        name, size = struct.unpack_from("<4sI", self._data)
        if name == b"data":
            self._begin()
            del self._data[:8]
            return False
        if name == b"fmt ":
            if len(self._data) < 8 + min(size, _LONGEST_FORMAT):
                return False
            self._read_format(bytes(self._data[8 : 8 + min(size, _LONGEST_FORMAT)]))
        self._skip = 8 + size + size % 2
        return True

    def _read_format(self, content: bytes) -> None:
        if len(content) < 16:
            raise UndecodableAudio("the header of the WAV stream is too short")
        code, self.channels, self.rate, _, _, bits = struct.unpack_from("<HHIIHH", content)
        if code == _EXTENSIBLE and len(content) >= 26:
            (code,) = struct.unpack_from("<H", content, 24)
        self.codec = _CODECS.get((code, bits), "")
        if not self.codec or not 0 < self.channels <= _MOST_CHANNELS or not 1_000 <= self.rate <= 384_000:
            raise UndecodableAudio(f"WAV with format {code}, {bits} bits and {self.rate} Hz is not supported")
        self._width = self.channels * bits // 8

    def _begin(self) -> None:
        if not self.codec:
            raise UndecodableAudio("the WAV stream has samples before it says what they are")
        self._block = self._width
