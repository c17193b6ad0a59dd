"""Live audio in a container, or compressed, to 16 kHz PCM.

libav decodes and resamples; its binding is an extra, as most clients send plain samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from auricle_server.gateway.audio.containers.errors import UndecodableAudio
from auricle_server.gateway.audio.containers.ogg_packets import OggPackets
from auricle_server.gateway.audio.containers.wave_blocks import WaveBlocks
from auricle_server.gateway.audio.containers.webm_packets import WebmPackets
from auricle_server.ipc.messages import SAMPLE_RATE

if TYPE_CHECKING:
    import av
    from av.audio.codeccontext import AudioCodecContext

Container = Literal["ogg", "webm", "wav", "mp3", "flac", "aac", "opus"]
CONTAINERS: Final[tuple[Container, ...]] = ("ogg", "webm", "wav", "mp3", "flac", "aac", "opus")
"""What can be decoded. Of "opus" each message is a packet, unless the first one begins a stream of Ogg."""
_CODECS: Final[dict[Container, str]] = {
    "ogg": "opus",
    "webm": "opus",
    "opus": "opus",
    "mp3": "mp3float",
    "flac": "flac",
    "aac": "aac",
}
MOST_SECONDS: Final = 30.0
"""Audio that one message may hold: a packet of Opus may have one byte and 120 ms."""
_SAMPLE_BYTES = 2
_OGG = b"OggS"


class _Packets(Protocol):
    def push(self, data: bytes) -> list[bytes]: ...


class _WholeMessages:
    """Each message is a packet."""

    def push(self, data: bytes) -> list[bytes]:
        return [data] if data else []


class LiveContainer:
    """Decodes one stream.

    Args:
        container: What comes; None finds it out by the first bytes.

    Raises:
        UndecodableAudio: The binding of libav is not installed.
    """

    def __init__(self, container: Container | None = None) -> None:
        try:
            import av
        except ImportError as error:
            raise UndecodableAudio(
                "the server cannot decode containers: install it with the extra [containers], or send linear16"
            ) from error
        self._container = container
        self._head = b""
        self._packets: _Packets | None = None
        self._codec: AudioCodecContext | None = None
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def decode(self, data: bytes) -> bytes:
        """16 kHz PCM of the next bytes; a packet that is not complete waits for more.

        Raises:
            UndecodableAudio: They cannot be decoded, or hold too much at once.
        """
        return b"".join(self._bounded(self._decoded(data)))

    def flush(self) -> bytes:
        """The audio that was held back, at the end of the stream.

        Raises:
            UndecodableAudio: The last packet cannot be decoded.
        """
        return b"".join(self._bounded(self._flushed()))

    def _bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > MOST_SECONDS * SAMPLE_RATE * _SAMPLE_BYTES:
                raise UndecodableAudio(f"a message holds more than {MOST_SECONDS:g} s of audio; send less at a time")
            yield piece

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        if self._container is None:
            self._head += data
            self._container = _found(self._head)
            if self._container is None:
                return
            data, self._head = self._head, b""
        if self._packets is None:
            ogg = self._container == "opus" and data.startswith(_OGG)
            self._packets = _demuxer("ogg" if ogg else self._container)
        if self._packets is not None:
            for packet in self._packets.push(data):
                yield from self._frames(self._opened(), packet)
        else:
            yield from self._parsed(data)

    def _flushed(self) -> Iterator[bytes]:
        if self._codec is not None:
            if self._packets is None:
                # libav gives up one packet for each call.
                while (packets := self._guarded_parse(self._codec, b"")) != []:
                    for packet in packets:
                        yield from self._resampled(self._codec, packet)
            yield from self._resampled(self._codec, None)
        yield from (frame.to_ndarray().tobytes() for frame in self._resampler.resample(None))

    def _opened(self) -> AudioCodecContext:
        if self._codec is None:
            assert self._container is not None, "it was found before the first packet"
            waves = self._packets if isinstance(self._packets, WaveBlocks) else None
            self._codec = _codec(_CODECS[self._container] if waves is None else waves.codec, waves)
        return self._codec

    def _parsed(self, data: bytes) -> Iterator[bytes]:
        codec = self._opened()
        for packet in self._guarded_parse(codec, data):
            yield from self._resampled(codec, packet)

    def _guarded_parse(self, codec: AudioCodecContext, data: bytes) -> list[av.Packet[Any]]:
        import av

        try:
            return list(codec.parse(data))
        except av.FFmpegError as error:
            raise UndecodableAudio(f"the audio cannot be decoded: {error.strerror}") from error

    def _frames(self, codec: AudioCodecContext, packet: bytes) -> Iterator[bytes]:
        import av

        yield from self._resampled(codec, av.Packet(packet))

    def _resampled(self, codec: AudioCodecContext, packet: av.Packet[Any] | None) -> Iterator[bytes]:
        import av

        try:
            for frame in codec.decode(packet):
                frame.pts = None
                for resampled in self._resampler.resample(frame):
                    yield resampled.to_ndarray().tobytes()
        except av.error.InvalidDataError:
            return  # one damaged packet: what follows may be whole
        except (av.FFmpegError, ValueError) as error:
            raise UndecodableAudio(f"the audio cannot be decoded: {error}") from error


def _demuxer(container: Container) -> _Packets | None:
    """What finds the packets; None where the codec's own parser does."""
    match container:
        case "ogg":
            return OggPackets()
        case "webm":
            return WebmPackets()
        case "wav":
            return WaveBlocks()
        case "opus":
            return _WholeMessages()
    return None


def _codec(name: str, waves: WaveBlocks | None) -> AudioCodecContext:
    import av
    from av.audio.codeccontext import AudioCodecContext

    codec = av.CodecContext.create(name, "r")
    assert isinstance(codec, AudioCodecContext), "all of them are for audio"
    if waves is not None:
        codec.sample_rate = waves.rate
        codec.layout = {1: "mono", 2: "stereo"}.get(waves.channels, f"{waves.channels}c")
    return codec


def _found(head: bytes) -> Container | None:
    """The container that begins with these bytes; None while there are too few.

    Raises:
        UndecodableAudio: It is none that can be decoded.
    """
    if len(head) < 4:
        return None
    for magic, container in _MAGIC:
        if head.startswith(magic):
            return container
    # MPEG audio begins with 11 set bits; layer 0 is AAC in ADTS.
    if head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0x06 == 0 else "mp3"
    raise UndecodableAudio("the audio has no header that is known; name its encoding and sample_rate")


_MAGIC: Final[tuple[tuple[bytes, Container], ...]] = (
    (_OGG, "ogg"),
    (b"\x1a\x45\xdf\xa3", "webm"),
    (b"RIFF", "wav"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
)
