"""How the live audio of Deepgram's clients comes: samples, packets, or a container, and what makes samples of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auricle.protocol import codes
from auricle.protocol.client_messages import Encoding
from auricle.protocol.codes import ProtocolViolation
from auricle_server.gateway.audio.containers.errors import UndecodableAudio
from auricle_server.gateway.audio.containers.live_container import Container, LiveContainer
from auricle_server.gateway.audio.sample_mixer import SampleMixer
from auricle_server.gateway.errors import BadRequest
from auricle_server.ipc.messages import SAMPLE_RATE

_RAW: Final[dict[str, tuple[Encoding, int]]] = {
    "linear16": ("pcm_s16le", 16_000),
    "linear32": ("pcm_s16le", 16_000),
    "mulaw": ("mulaw", 8_000),
    "alaw": ("alaw", 8_000),
}
"""Encodings without a container, as the session has them, and the sample rate where the query names none."""
_CONTAINERS: Final[dict[str, Container]] = {
    "ogg-opus": "ogg",
    "opus": "opus",
    "webm": "webm",
    "wav": "wav",
    "mp3": "mp3",
    "flac": "flac",
    "aac": "aac",
}
_MOST_CHANNELS: Final = 64
"""Of samples without a container."""


@dataclass(frozen=True, slots=True)
class DeepgramAudio:
    """How the audio of a live stream comes.

    Attributes:
        encoding: Of samples without a container.
        channels: Of these, which are mixed.
        wide: Whether they are PCM of 32 bits.
        contained: Whether the audio comes in a container, or compressed.
        container: Which; None where its first bytes say it.
        split: Whether each channel is a stream of its own.
    """

    encoding: Encoding = "pcm_s16le"
    channels: int = 1
    wide: bool = False
    contained: bool = False
    container: Container | None = None
    split: bool = False

    @property
    def session_encoding(self) -> Encoding:
        """What the session gets: several channels of G.711 are mixed as PCM."""
        return "pcm_s16le" if self.channels > 1 else self.encoding


SAMPLES: Final = DeepgramAudio()
"""The usual audio: PCM of 16 bits and one channel."""


def read_audio(
    encoding: str, sample_rate: int | None, channels: int = 1, *, split: bool = False
) -> tuple[DeepgramAudio, int]:
    """How the audio comes, and the sample rate of the session.

    Args:
        encoding: That the query names; empty for none. Without it and `sample_rate` the audio is in a container.
        sample_rate: That the query names; None for none.
        channels: Of samples without a container.
        split: As in `DeepgramAudio`.

    Raises:
        BadRequest: The server cannot read such audio.
    """
    name = encoding.lower()
    if name in _CONTAINERS or not (name or sample_rate):
        return DeepgramAudio(contained=True, container=_CONTAINERS.get(name)), SAMPLE_RATE
    if (found := _RAW.get(name or "linear16")) is None:
        known = ", ".join([*_RAW, *_CONTAINERS])
        raise BadRequest(f"encoding {name[:64]!r} is not one of {known}; send one of these")
    if channels > _MOST_CHANNELS:
        raise BadRequest(f"channels: expected at most {_MOST_CHANNELS}")
    return DeepgramAudio(found[0], channels, wide=name == "linear32", split=split), sample_rate or found[1]


def raw_encoding(name: str) -> tuple[Encoding, int] | None:
    """An encoding without a container as the session has it, and its usual sample rate; None for a container."""
    return _RAW.get(name.lower())


class DeepgramSamples:
    """Makes one stream's samples of what its client sends.

    Args:
        audio: How it comes.
        channel: The one to take where each is a stream of its own, from 0.

    Raises:
        BadRequest: The server cannot decode containers.
    """

    def __init__(self, audio: DeepgramAudio, channel: int = 0) -> None:
        try:
            self._container = LiveContainer(audio.container) if audio.contained else None
        except UndecodableAudio as error:
            raise BadRequest(error.message) from error
        self._samples = SampleMixer(audio.encoding, audio.channels, channel if audio.split else None, wide=audio.wide)

    def push(self, data: bytes) -> bytes:
        """The samples in these bytes, which may end anywhere.

        Raises:
            ProtocolViolation: They cannot be decoded.
        """
        try:
            return self._samples.push(data) if self._container is None else self._container.decode(data)
        except UndecodableAudio as error:
            raise ProtocolViolation(codes.BAD_AUDIO, error.message) from error

    def flush(self) -> bytes:
        """The samples that were held back, at the end of the stream."""
        try:
            return b"" if self._container is None else self._container.flush()
        except UndecodableAudio:
            return b""  # the end of a recording that broke off
