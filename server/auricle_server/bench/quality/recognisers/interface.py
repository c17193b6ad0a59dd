"""A recogniser under evaluation: what it is asked, and what it answers, whatever protocol it speaks."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from auricle.protocol.server_messages import Word
from auricle.protocol.settings import TurnMode
from auricle_server.bench.quality.stream_mode import StreamMode


class RecogniserFailed(Exception):
    """A recogniser cannot be used at all; the message says why and what to do."""


class RecordingFailed(Exception):
    """One recording could not be recognised; the others may be."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a recogniser offers.

    Attributes:
        model: Name of its model.
        latencies_ms: Its chunk latencies; empty for one that has no such setting.
        languages: Codes of its languages, with ``"auto"`` where it detects the language; empty for one that does not
            say.
        modes: The modes that it knows.
    """

    model: str
    latencies_ms: tuple[int, ...]
    languages: tuple[str, ...]
    modes: tuple[StreamMode, ...] = tuple(StreamMode)


@dataclass(frozen=True, slots=True)
class RecognitionSetting:
    """How a recording is to be recognised.

    Attributes:
        mode: Live; live with finals of the second pass; or as a file.
        latency_ms: Chunk latency; None for files and for recognisers without that setting.
        language: BCP-47 code, or ``"auto"``; None for the recogniser's default.
        realtime: Whether the audio is sent at the speed of speech; otherwise as fast as it is taken.
        turns: How the recogniser detects the ends of turns.
    """

    mode: StreamMode
    latency_ms: int | None
    language: str | None
    realtime: bool
    turns: TurnMode


@dataclass(frozen=True, slots=True)
class RecognisedSegment:
    """A final.

    Attributes:
        text: Never empty.
        words: With times in seconds of the recording; empty where the recogniser gives none.
        language: Code of the language that the recogniser names; None where it names none.
        arrived: Seconds after the first sample was due to be sent.
    """

    text: str
    words: tuple[Word, ...]
    language: str | None
    arrived: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser made of a recording.

    Attributes:
        segments: Finals, in order.
        turn_ends: Positions in the recording at which the end of a turn was decided, seconds.
        finalize_seconds: From the request for a final, after the last sample, to that final.
    """

    segments: tuple[RecognisedSegment, ...]
    turn_ends: tuple[float, ...]
    finalize_seconds: float

    @property
    def text(self) -> str:
        """All finals, joined."""
        return " ".join(segment.text for segment in self.segments)


class Recogniser(Protocol):
    """One server, connected. A module of a dialect has one class of this form."""

    async def offer(self) -> Offer:
        """What it offers.

        Raises:
            RecogniserFailed: It cannot be reached, or refuses the client.
        """

    async def recognise(self, pcm: bytes, setting: RecognitionSetting) -> Recognised:
        """Streams one recording.

        Args:
            pcm: 16 kHz mono, little-endian signed 16 bit.
            setting: How.

        Raises:
            RecogniserFailed: It can no longer be reached, or refuses the client or the setting.
            RecordingFailed: This stream failed.
        """


class ConnectRecogniser(Protocol):
    """Connects to a server that speaks some protocol."""

    def __call__(self, url: str, api_key: str | None) -> AbstractAsyncContextManager[Recogniser]:
        """The recogniser at an address, until the block is left."""
