"""Both ends of one connection, without I/O: text and bytes in, messages out; messages in, text and bytes out.

A shell feeds what its socket receives, sends what a method returns, and closes as `ServerConnection.fail` says:

    connection = ServerConnection()
    for message in connection.receive_text(text):   # Start, then Update, Finalize, End
        ...
    socket.send(connection.send(Ready(...)))        # numbers the event and encodes it
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from auricle.protocol import codec, codes
from auricle.protocol.client_messages import SAMPLE_BYTES, ClientMessage, End, Finalize, Start, Update
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle.protocol.resume_buffer import ResumeBuffer
from auricle.protocol.server_messages import Error, Final, Held, Ready, ServerEvent
from auricle.protocol.settings import InvalidMessage
from auricle.protocol.states import (
    CLIENT_MOVES,
    SERVER_MOVES,
    WRONG_MOVES,
    AudioReceived,
    ClientState,
    FatalError,
    ServerState,
)

ClientInput = ClientMessage | AudioReceived
DEFAULT_MESSAGE_BYTES = 1 << 20


@dataclass(slots=True)
class _Conversation:
    """The two states, moved along their tables."""

    talk: ClientState = ClientState.OPENING
    answer: ServerState = ServerState.SILENT

    def client_says(self, kind: type) -> None:
        try:
            self.talk = CLIENT_MOVES[self.talk, kind]
        except KeyError:
            code = WRONG_MOVES[self.talk]
            raise ProtocolViolation(code, _WRONG_MOVE_SENTENCES[code]) from None

    def server_says(self, event: ServerEvent) -> None:
        kind = FatalError if isinstance(event, Error) and event.fatal else type(event)
        early = self.talk is ClientState.OPENING and kind is not FatalError
        if early or (self.answer, kind) not in SERVER_MOVES:
            raise ProtocolViolation(
                codes.UNEXPECTED_EVENT,
                f"{event.TYPE} may not be sent while the client is {self.talk.name} and the server {self.answer.name}",
            )
        self.answer = SERVER_MOVES[self.answer, kind]


_WRONG_MOVE_SENTENCES = {
    codes.NOT_STARTED: "the first message must be a start",
    codes.ALREADY_STARTED: "the stream has started; send an update to change its settings",
    codes.AFTER_END: "nothing may follow an end",
}


def _check_audio(start: Start, pcm: bytes) -> None:
    width = SAMPLE_BYTES[start.encoding]
    if len(pcm) % width:
        raise ProtocolViolation(
            codes.BAD_AUDIO, f"{len(pcm)} bytes are no whole number of {width}-byte {start.encoding} samples"
        )


class ServerConnection:
    """The server's end.

    After `fail` it takes whatever still arrives and makes nothing of it.

    Args:
        message_bytes: Largest message taken, text or binary.

    Attributes:
        start: The client's `Start`, once it has come.
    """

    def __init__(self, message_bytes: int = DEFAULT_MESSAGE_BYTES) -> None:
        self.start: Start | None = None
        self._message_bytes = message_bytes
        self._conversation = _Conversation()
        self._seq = 0
        self._sent = ResumeBuffer()
        self._bytes = self._messages = 0

    @property
    def held(self) -> Held:
        """How much the client has said."""
        width = 1 if self.start is None else SAMPLE_BYTES[self.start.encoding]
        return Held(self._bytes // width, self._messages)

    @property
    def ended(self) -> bool:
        """Whether the client has said `End`."""
        return self._conversation.talk is ClientState.ENDED

    @property
    def failed(self) -> bool:
        """Whether a fatal error was sent."""
        return self._conversation.answer is ServerState.FAILED

    def receive_text(self, text: str) -> list[ClientInput]:
        """What a text message says.

        Raises:
            ProtocolViolation: The message is malformed or out of turn; answer with `fail`.
        """
        if self.failed:
            return []
        # A character takes at most four bytes, so short texts need not be encoded to be measured.
        if 4 * len(text) > self._message_bytes:
            self._check_size(len(text.encode(errors="surrogatepass")))
        message = codec.decode_client(text)
        self._conversation.client_says(type(message))
        if isinstance(message, Start):
            self.start = message
        else:
            self._messages += 1
        return [message]

    def receive_binary(self, data: bytes) -> list[ClientInput]:
        """The audio in a binary message; an empty message brings none.

        Raises:
            ProtocolViolation: Too big, no whole number of samples, before `Start` or after `End`; answer with `fail`.
        """
        if self.failed:
            return []
        self._check_size(len(data))
        self._conversation.client_says(AudioReceived)
        assert self.start is not None  # CLIENT_MOVES takes no audio before a start
        _check_audio(self.start, data)
        self._bytes += len(data)
        return [AudioReceived(data)] if data else []

    def send(self, event: ServerEvent) -> str:
        """The text that carries `event`, numbered.

        Raises:
            ProtocolViolation: `unexpected_event`, the server's own mistake.
        """
        self._conversation.server_says(event)
        self._seq += 1
        text = codec.encode_event(replace(event, seq=self._seq))
        self._sent.add(self._seq, type(event), text)
        return text

    def can_resume(self, seq: int) -> bool:
        """Whether the stream can go on with a client that has had its events up to number `seq`."""
        return not self.failed and self.start is not None and self._sent.reaches_back_to(seq) and seq <= self._seq

    def resume(self, text: str, ready: Ready, seq: int) -> list[str]:
        """Goes on with a client on another connection.

        Args:
            text: Its first message there, a `Start` like the first one; the settings in force stay.
            ready: The answer, for which this fills in what is `held`.
            seq: Of the last event that the client has had; `can_resume`.

        Returns:
            What to send: the answer, and the events after `seq`.

        Raises:
            ProtocolViolation: The text is no such `Start`.
        """
        start, first = codec.decode_client(text), self.start
        if not isinstance(start, Start):
            raise ProtocolViolation(codes.NOT_STARTED, _WRONG_MOVE_SENTENCES[codes.NOT_STARTED])
        if first is None or (start.encoding, start.sample_rate) != (first.encoding, first.sample_rate):
            raise ProtocolViolation(codes.INVALID_FIELD, "encoding, sample_rate: a stream goes on as it was started")
        return [codec.encode_event(replace(ready, seq=seq, held=self.held)), *self._sent.after(seq)]

    def refuse(self, code: str, message: str, audio_time: float = 0.0) -> str:
        """The text of a non-fatal error: the stream goes on as it was. For an `Update` that cannot be followed."""
        return self.send(Error(code=code, fault=CODES[code].fault, fatal=False, message=message, audio_time=audio_time))

    def fail(self, code: str, message: str, audio_time: float = 0.0) -> tuple[str, int]:
        """The text of a fatal error, and the WebSocket code to close with after it."""
        row = CODES[code]
        error = Error(code=code, fault=row.fault, fatal=True, message=message, audio_time=audio_time)
        return self.send(error), row.close_code

    def _check_size(self, size: int) -> None:
        if size > self._message_bytes:
            raise ProtocolViolation(
                codes.MESSAGE_TOO_BIG, f"a message of {size} bytes; {self._message_bytes} is the most"
            )


class ClientConnection:
    """The client's end. Every method but `receive_text` and `resumed` returns what is to be sent.

    Attributes:
        seq: Number of the last event that came.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._conversation = _Conversation()
        self._start: Start | None = None
        self._asked: set[str] = set()

    def resumed(self, asked: Collection[str], *, ended: bool) -> None:
        """The server goes on with a stream of an earlier connection, see `Ready.held`.

        Args:
            asked: Finalizes that it holds and has not answered yet, as far as is known here.
            ended: Whether it holds the `End`.
        """
        self._asked.update(asked)
        if ended:
            self._conversation.client_says(End)

    @property
    def ready(self) -> bool:
        """Whether the server has answered `Ready` and has not failed since."""
        return self._conversation.answer is ServerState.ANSWERING

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._conversation.talk is ClientState.ENDED

    def start(self, start: Start) -> str:
        """Opens the stream."""
        self._conversation.client_says(Start)
        self._start = start
        return codec.encode_client(start)

    def audio(self, pcm: bytes) -> bytes:
        """Audio in the encoding and at the rate of the `Start`.

        Raises:
            ProtocolViolation: `bad_audio` for part of a sample; out of turn.
        """
        self._conversation.client_says(AudioReceived)
        assert self._start is not None  # CLIENT_MOVES takes no audio before a start
        _check_audio(self._start, pcm)
        return pcm

    def update(self, update: Update) -> str:
        """Changes settings from the next chunk on."""
        return self._say(update)

    def finalize(self, id: str) -> str:  # noqa: A002  # the protocol's own name of the field
        """Asks for everything said so far.

        Raises:
            ProtocolViolation: `invalid_field` for a bad id or one that waits for its answer; out of turn.
        """
        if id in self._asked:
            raise ProtocolViolation(codes.INVALID_FIELD, f"id: finalize {id!r} has not been answered yet")
        try:
            text = self._say(Finalize(id))
        except InvalidMessage as error:
            raise ProtocolViolation(codes.INVALID_FIELD, str(error)) from error
        self._asked.add(id)
        return text

    def end(self) -> str:
        """Says that no more audio will come."""
        return self._say(End())

    def receive_text(self, text: str) -> ServerEvent | None:
        """The event in a text message; None for one that this version does not know.

        Raises:
            ProtocolViolation: The server broke the protocol: malformed, out of turn, numbered backwards, or the answer
                to a finalize that was not asked or is answered already.
        """
        event = codec.decode_event(text)
        if event is None:
            return None
        self._conversation.server_says(event)
        if event.seq <= self.seq:
            raise ProtocolViolation(codes.UNEXPECTED_EVENT, f"event {event.seq} came after event {self.seq}")
        self.seq = event.seq
        if isinstance(event, Final) and event.finalize_id is not None:
            self._answered(event.finalize_id)
        return event

    def _say(self, message: ClientMessage) -> str:
        self._conversation.client_says(type(message))
        return codec.encode_client(message)

    def _answered(self, finalize_id: str) -> None:
        if finalize_id not in self._asked:
            raise ProtocolViolation(codes.UNEXPECTED_EVENT, f"nothing waits for an answer to finalize {finalize_id!r}")
        self._asked.remove(finalize_id)
