"""The audio of a stream in NVIDIA's formats: samples, before which the header of a WAV file may stand."""

from __future__ import annotations

import struct

from auricle.protocol import codes
from auricle.protocol.client_messages import SAMPLE_BYTES
from auricle.protocol.codes import ProtocolViolation
from auricle_server.gateway.session.formats.riva_settings import RivaSettings

_CHUNK = struct.Struct("<4sI")
_LONGEST_HEADER = 1 << 16


class RivaAudio:
    """One stream's audio.

    Args:
        settings: That the client asks for.
    """

    def __init__(self, settings: RivaSettings) -> None:
        self._first_channel = _FirstChannel(SAMPLE_BYTES[settings.start.encoding], settings.channels)
        self._header: _WaveHeader | None = _WaveHeader(settings) if settings.wave else None

    def push(self, data: bytes) -> bytes:
        """Whole samples of the first channel in the encoding of the `Start`; messages may end within a sample.

        Raises:
            ProtocolViolation: A WAV header names another format than the client's request.
        """
        if self._header is not None:
            data = self._header.strip(data)
            if not self._header.over:
                return b""
            self._header = None
        return self._first_channel.cut(data)


class _FirstChannel:
    """Takes the first of several channels, whose samples alternate.

    Args:
        sample_bytes: Bytes of a sample.
        channels: Number of channels.
    """

    def __init__(self, sample_bytes: int, channels: int) -> None:
        self._sample_bytes, self._channels = sample_bytes, channels
        self._rest = b""

    def cut(self, data: bytes) -> bytes:
        """Its whole samples; messages may end within a sample."""
        if self._rest:
            data = self._rest + data
        step = self._sample_bytes * self._channels
        whole = len(data) // step * step
        self._rest = data[whole:]
        if self._rest:
            data = data[:whole]
        if self._channels == 1:
            return data
        return memoryview(data).cast("H" if self._sample_bytes == 2 else "B")[:: self._channels].tobytes()


class _WaveHeader:
    """Takes off the header of a WAV file, with which NVIDIA's client sends recordings.

    Args:
        settings: That the client asks for, to which the header must not be opposed.

    Attributes:
        over: Whether all that follows is audio.
    """

    def __init__(self, settings: RivaSettings) -> None:
        self.over = False
        self._settings = settings
        self._data = b""

    def strip(self, data: bytes) -> bytes:
        """The audio after the header; empty while the header goes on.

        Raises:
            ProtocolViolation: The header names another format than the client's request.
        """
        self._data += data
        if not (b"RIFF".startswith(self._data[:4]) and b"WAVE".startswith(self._data[8:12])):
            self.over = True
            return self._data
        at = 12
        while len(self._data) >= at + _CHUNK.size:
            name, size = _CHUNK.unpack_from(self._data, at)
            at += _CHUNK.size
            if name == b"data":
                self.over = True
                return self._data[at:]
            if name == b"fmt " and len(self._data) >= at + 16:
                self._check(*struct.unpack_from("<HHIIHH", self._data, at))
            at += size + size % 2
        if len(self._data) > _LONGEST_HEADER:
            raise ProtocolViolation(codes.BAD_AUDIO, "the header of the WAV file names no audio within 64 kB")
        return b""

    def _check(self, code: int, channels: int, rate: int, _bytes: int, _step: int, bits: int) -> None:
        start, asked = self._settings.start, self._settings.channels
        if bits != 16 or code not in {1, 0xFFFE}:
            raise ProtocolViolation(
                codes.BAD_AUDIO, "a WAV file in a stream must have PCM of 16 bits; or use Recognize"
            )
        if (channels, rate) != (asked, start.sample_rate):
            raise ProtocolViolation(
                codes.BAD_AUDIO,
                f"the WAV file has {channels} channels at {rate} Hz, the config says {asked} at {start.sample_rate} Hz",
            )
