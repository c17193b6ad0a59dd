"""An HTTP path at which clients of another server's wire format have recordings transcribed, or ask something else.

A format says what a request means and how its answer is written. The file lane (`auricle_server.gateway.http.files`)
receives the upload, decodes it, and feeds each channel to a session of its own.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from multidict import MultiMapping

from auricle.protocol.client_messages import Encoding, Start
from auricle.protocol.server_messages import Final, Limits, Ready, ServerEvent
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.endpoint import RefusalAnswer
from auricle_server.model_info import ModelInfo

JSON = "application/json; charset=utf-8"
_WAVE_FORMATS: dict[Encoding, tuple[int, int]] = {"pcm_s16le": (1, 2), "alaw": (6, 1), "mulaw": (7, 1)}
"""Format codes of WAV (RFC 2361), and the bytes of a sample."""
_TO_THE_END = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to a request, of which the format is the author.

    Attributes:
        body: In UTF-8.
        content_type: Value of the header of that name.
        headers: Beside it.
        status: Of HTTP.
    """

    body: str
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def json_answer(document: Any, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """An answer in JSON."""
    return HttpAnswer(json.dumps(document, ensure_ascii=False), headers=headers or {})


@dataclass(frozen=True, slots=True)
class RawAudio:
    """How the samples of an upload without a header are stored.

    Attributes:
        encoding: Of each sample.
        sample_rate: In Hz.
        channels: Number of channels, whose samples alternate.
    """

    encoding: Encoding
    sample_rate: int
    channels: int = 1

    @property
    def wave_header(self) -> bytes:
        """The header that makes a WAV file of them, which reaches to its end."""
        code, width = _WAVE_FORMATS[self.encoding]
        step = width * self.channels
        layout = struct.pack("<HHIIHH", code, self.channels, self.sample_rate, self.sample_rate * step, step, 8 * width)
        riff = struct.pack("<4sI4s", b"RIFF", _TO_THE_END, b"WAVE")
        return riff + struct.pack("<4sI", b"fmt ", len(layout)) + layout + struct.pack("<4sI", b"data", _TO_THE_END)


@dataclass(frozen=True, slots=True)
class Upload:
    """A request whose recording has arrived.

    Attributes:
        query: Of the URL.
        headers: Of the request.
        fields: The other fields of a form, in order; empty where the body is the recording.
        limits: Of each stream.
        name: The file's name, as the client gives it; empty without one.
    """

    query: MultiMapping[str]
    headers: MultiMapping[str]
    fields: MultiMapping[str]
    limits: Limits
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChannelTranscript:
    """What a stream has said of a channel.

    Attributes:
        ready: Its settings.
        events: All that followed in order, interims aside.
    """

    ready: Ready
    events: tuple[ServerEvent, ...]

    @property
    def finals(self) -> tuple[Final, ...]:
        """The segments that hold words."""
        return tuple(event for event in self.events if isinstance(event, Final) and event.text)

    @property
    def text(self) -> str:
        """The text of all segments."""
        return " ".join(final.text for final in self.finals)


@dataclass(frozen=True, slots=True)
class RecordingTranscript:
    """A recording that has been transcribed.

    Attributes:
        channels: A transcript for each channel, or one for the mix of all.
        duration: Seconds.
        damage: Why the recording could not be read to its end; None when it could.
    """

    channels: tuple[ChannelTranscript, ...]
    duration: float
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class FileJob:
    """What a request asks to be done with its recording.

    Attributes:
        start: Of each stream: 16 kHz PCM, and `Start.offline` unless the client asks for a latency.
        answer: Writes the answer; with `encode`, its `HttpAnswer.body` ends the one that has begun.
        encode: What is to be sent of an event as soon as it has come; empty for nothing. It gets no interims and no
            fatal errors. None collects everything for `answer`.
        encode_refusal: What ends an answer that has begun, when the rest fails.
        content_type: Of the answer that `encode` writes.
        split: Whether each channel is transcribed by itself; otherwise their mix.
        raw: For a recording without a header; None where the file says itself what it holds.
    """

    start: Start
    answer: Callable[[RecordingTranscript], HttpAnswer]
    encode: Callable[[ServerEvent], str] | None = None
    encode_refusal: Callable[[Refusal], str] | None = None
    content_type: str = JSON
    split: bool = False
    raw: RawAudio | None = None


class FormatEndpoint(Protocol):
    """A format's way in through requests without a WebSocket.

    Attributes:
        name: Of the format, in logs and metrics.
        paths: Where it listens, as patterns of aiohttp (``/v1/models/{id:.+}``).
    """

    name: str
    paths: tuple[str, ...]

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        """As `Endpoint.authorization`."""

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""


class FileEndpoint(FormatEndpoint, Protocol):
    """Where recordings are uploaded with POST: as the body, or as the field ``file`` of a form.

    Attributes:
        foreign_models: As for `Endpoint`.
    """

    foreign_models: tuple[str, ...]

    def model(self, query: MultiMapping[str], fields: MultiMapping[str]) -> str | None:
        """The name of the model in the request; None when there is none.

        Args:
            query: Of the URL.
            fields: Of the form; none before the body has arrived.
        """

    def check(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo) -> None:
        """Reads a request before its body is received.

        Raises:
            Refusal: It asks for something that cannot be.
        """

    def open(self, upload: Upload, model: ModelInfo) -> FileJob:
        """Reads a request whose body has arrived.

        Raises:
            Refusal: It asks for something that cannot be.
        """


@dataclass(frozen=True, slots=True)
class Question:
    """A request without a recording.

    Attributes:
        parts: What stands in the path for the names of its pattern.
        query: Of the URL.
        model: The default.
        models: All that the server serves.
        secret: Makes a token that opens streams of the client's key for a short time; refuses one for a token.
    """

    parts: Mapping[str, str]
    query: MultiMapping[str]
    model: ModelInfo
    models: Sequence[ModelInfo]
    secret: Callable[[], str]


class QuestionEndpoint(FormatEndpoint, Protocol):
    """Where a request without a recording is answered at once.

    Attributes:
        method: Of the requests.
    """

    method: Literal["GET", "POST"]

    def answer(self, question: Question) -> HttpAnswer:
        """The answer.

        Raises:
            Refusal: There is none.
        """
