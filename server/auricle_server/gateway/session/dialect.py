"""What a session needs to know of its client's wire format.

A dialect turns the client's messages into the session's inputs, and what the session has to say into messages. It has
no socket, no clock and no queue, and it decides nothing about turns: the native protocol and those of other servers are
the same to a session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from auricle.protocol.client_messages import ClientMessage
from auricle.protocol.codes import CODES
from auricle.protocol.server_messages import ServerEvent
from auricle.protocol.states import AudioReceived
from auricle_server.model_info import ModelInfo


@dataclass(frozen=True, slots=True)
class AudioProgress:
    """The results so far rest on `audio_time` seconds of audio. Of several in a row only the newest is told."""

    audio_time: float


@dataclass(frozen=True, slots=True)
class EndAnswered:
    """Everything up to the client's end is answered, after `audio_time` seconds of audio; the connection closes."""

    audio_time: float


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The client has no audio to send and is still there: the stream is not idle."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A message for the client that no event of the stream brings, such as the answer to a change of settings."""

    text: str


@dataclass(frozen=True, slots=True)
class LateReply:
    """As a `Reply`, which `make` words when it is sent.

    By then `Dialect.encode` has had all events before it, such as the errors of the inputs before this one.
    """

    make: Callable[[], str]


@dataclass(frozen=True, slots=True)
class EndTurn:
    """As a `Finalize`, and the turn that is open by then ends, with a `TurnEnd`; without one it is a `Finalize`."""

    id: str


@dataclass(frozen=True, slots=True)
class ChooseModel:
    """The client names a model, of which the stream is to be; once it has a slot there, `begin` says what follows.

    Attributes:
        name: Of the model.
        begin: Gets the model; the inputs that begin the stream.
        latency_ms: Helps to reserve a slot of the right cost.
    """

    name: str
    begin: Callable[[ModelInfo], Sequence[Input]]
    latency_ms: int | None = None


Input = ClientMessage | AudioReceived | KeepAlive | EndTurn | Reply | LateReply | ChooseModel
"""What a client's message means. A reply goes out after all events before it."""
Output = ServerEvent | AudioProgress | EndAnswered
"""What a client is told."""


def native_close_code(code: str | None) -> int:
    """As `Dialect.close_code`, of the native protocol and of formats without close codes of their own."""
    # 1000: the conversation has come to its end (RFC 6455, section 7.4.1).
    close_code = 1000 if code is None else CODES[code].close_code
    assert close_code is not None, "only the codes of fatal errors come here"
    return close_code


class Dialect(Protocol):
    """One client's end of a wire format.

    Attributes:
        name: Of the format, in logs and metrics.
        follows_audio: Whether `encode` is to be called with `AudioProgress`, too. It comes after the events of each
            result, before those of the next.
    """

    name: str
    follows_audio: bool

    @property
    def ended(self) -> bool:
        """Whether the client has said that no more audio comes."""

    def receive_text(self, text: str) -> Sequence[Input]:
        """What a text message means, in order; the first `Start` begins the stream.

        Raises:
            ProtocolViolation: The message is malformed or out of turn, and the conversation ends.
        """

    def receive_audio(self, data: bytes) -> bytes:
        """The audio in a binary message: whole samples in the encoding of the `Start`.

        Raises:
            ProtocolViolation: As `receive_text`.
        """

    def encode(self, output: Output) -> Sequence[str]:
        """The messages that say it; none for what the format cannot say. Called when they are sent, in order."""

    def close_code(self, code: str | None) -> int:
        """The WebSocket code to close with.

        Args:
            code: Of the fatal error (`auricle.protocol.codes`); None after the end of the client's audio.
        """
