"""Both ends of one connection, without I/O: text and bytes in, messages out; messages in, text and bytes out.

The caller feeds what its socket receives, and sends what a method returns:

    connection = ServerConnection()
    for message in connection.receive_text(text):   # Start, then Update, Finalize, End
        ...
    socket.send(connection.send(Ready(...)))        # numbers the event and encodes it

After an `Error` that is fatal the socket is closed with the `close_code` of its row in `auricle.protocol.CODES`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from auricle.protocol import codec, codes
from auricle.protocol.audio_positions import Held
from auricle.protocol.client_messages import SAMPLE_BYTES, ClientMessage, Encoding, End, Finalize, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.resume_buffer import ResumeBuffer
from auricle.protocol.server_messages import Error, Final, Ready, ServerEvent
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
class _States:
    """The states of both ends, moved along their tables."""

    client: ClientState = ClientState.OPENING
    server: ServerState = ServerState.WAITING

    def client_sends(self, kind: type) -> None:
        try:
            self.client = CLIENT_MOVES[self.client, kind]
        except KeyError:
            code = WRONG_MOVES[self.client]
            raise ProtocolViolation(code, _WRONG_MOVE_MESSAGES[code]) from None

    def server_sends(self, event: ServerEvent) -> None:
        kind = FatalError if isinstance(event, Error) and event.fatal else type(event)
        early = self.client is ClientState.OPENING and kind is not FatalError
        state = None if early else SERVER_MOVES.get((self.server, kind))
        if state is None:
            states = f"the client is {self.client.name} and the server {self.server.name}"
            raise ProtocolViolation(codes.UNEXPECTED_EVENT, f"{event.TYPE} may not be sent while {states}")
        self.server = state


_WRONG_MOVE_MESSAGES = {
    codes.NOT_STARTED: "the first message must be a start",
    codes.ALREADY_STARTED: "the stream has started; send an update to change its settings",
    codes.AFTER_END: "nothing may follow an end",
}


def check_whole_samples(pcm: bytes, encoding: Encoding) -> None:
    """Checks that audio ends with a whole sample.

    Raises:
        ProtocolViolation: `bad_audio`.
    """
    width = SAMPLE_BYTES[encoding]
    if len(pcm) % width:
        raise ProtocolViolation(
            codes.BAD_AUDIO, f"{len(pcm)} bytes are not a whole number of {width}-byte {encoding} samples"
        )


class ServerConnection:
    """The server's end.

    After a fatal error it ignores whatever still arrives.

    Args:
        message_bytes: Largest message accepted, text or binary.

    Attributes:
        start: The client's `Start`, once it is received.
    """

    def __init__(self, message_bytes: int = DEFAULT_MESSAGE_BYTES) -> None:
        self.start: Start | None = None
        self._message_bytes = message_bytes
        self._states = _States()
        self._seq = 0
        self._resume_buffer = ResumeBuffer()
        self._audio_bytes = self._messages = 0

    @property
    def held(self) -> Held:
        """How much of the stream was received."""
        width = 1 if self.start is None else SAMPLE_BYTES[self.start.encoding]
        return Held(self._audio_bytes // width, self._messages)

    @property
    def ended(self) -> bool:
        """Whether the client has sent `End`."""
        return self._states.client is ClientState.ENDED

    @property
    def failed(self) -> bool:
        """Whether a fatal error was sent."""
        return self._states.server is ServerState.FAILED

    def receive_text(self, text: str) -> list[ClientInput]:
        """The message in a text.

        Raises:
            ProtocolViolation: The message is malformed or out of turn; answer with a fatal `Error` of its code.
        """
        if self.failed:
            return []
        # A character takes at most four bytes, so short texts need not be encoded to be measured.
        if 4 * len(text) > self._message_bytes:
            self._check_size(len(text.encode(errors="surrogatepass")))
        message = codec.decode_client(text)
        self._states.client_sends(type(message))
        if isinstance(message, Start):
            self.start = message
        else:
            self._messages += 1
        return [message]

    def receive_binary(self, data: bytes) -> list[ClientInput]:
        """As `receive_audio`, as a list like that of `receive_text`; nothing for an empty message."""
        return [AudioReceived(pcm)] if (pcm := self.receive_audio(data)) else []

    def receive_audio(self, data: bytes) -> bytes:
        """The audio in a binary message; empty after a fatal error.

        Raises:
            ProtocolViolation: Too big, no whole number of samples, before `Start` or after `End`: as `receive_text`.
        """
        if self.failed:
            return b""
        self._check_size(len(data))
        self._states.client_sends(AudioReceived)
        assert self.start is not None  # CLIENT_MOVES accepts no audio before a start
        check_whole_samples(data, self.start.encoding)
        self._audio_bytes += len(data)
        return data

    def send(self, event: ServerEvent) -> str:
        """The text that carries `event`, numbered.

        Raises:
            ProtocolViolation: `unexpected_event`, the server's own mistake.
        """
        self._states.server_sends(event)
        self._seq += 1
        text = codec.encode_event(event, self._seq)
        self._resume_buffer.add(self._seq, type(event), text)
        return text

    def can_resume(self, seq: int) -> bool:
        """Whether a client that has received the events up to number `seq` can resume the stream."""
        kept = self._resume_buffer.reaches_back_to(seq) and seq <= self._seq
        return kept and not self.failed and self.start is not None

    def resume(self, text: str, ready: Ready, seq: int) -> list[str]:
        """Continues the stream with its client on another connection.

        Args:
            text: The client's first message there, a `Start` like the first one; the settings in force stay.
            ready: The answer; this method fills in `held`.
            seq: Of the last event that the client has received, see `can_resume`.

        Returns:
            The texts to send: the answer, and the events after `seq`.

        Raises:
            ProtocolViolation: The text is not such a `Start`.
        """
        start, first = codec.decode_client(text), self.start
        if not isinstance(start, Start):
            raise ProtocolViolation(codes.NOT_STARTED, _WRONG_MOVE_MESSAGES[codes.NOT_STARTED])
        if first is None or (start.encoding, start.sample_rate) != (first.encoding, first.sample_rate):
            raise ProtocolViolation(codes.INVALID_FIELD, "encoding, sample_rate: must be those of the first start")
        return [codec.encode_event(replace(ready, seq=seq, held=self.held)), *self._resume_buffer.after(seq)]

    def _check_size(self, size: int) -> None:
        if size > self._message_bytes:
            raise ProtocolViolation(codes.MESSAGE_TOO_BIG, f"{size} bytes; a message may have {self._message_bytes}")


class ClientConnection:
    """The client's end. Every method but `receive_text` and `resumed` returns what to send.

    Attributes:
        seq: Number of the last event received.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._states = _States()
        self._start: Start | None = None
        self._unanswered: set[str] = set()

    def resumed(self, unanswered: Collection[str], *, ended: bool) -> None:
        """The server continues a stream of an earlier connection, see `Ready.held`.

        Args:
            unanswered: Ids of the finalizes that the server has received and not answered, as far as the client knows.
            ended: Whether the server has received the `End`.
        """
        self._unanswered.update(unanswered)
        if ended:
            self._states.client_sends(End)

    @property
    def ready(self) -> bool:
        """Whether the server has answered `Ready` and has not failed since."""
        return self._states.server is ServerState.READY

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._states.client is ClientState.ENDED

    def start(self, start: Start) -> str:
        """Opens the stream."""
        self._states.client_sends(Start)
        self._start = start
        return codec.encode_client(start)

    def audio(self, pcm: bytes) -> bytes:
        """Audio in the encoding and at the rate of the `Start`.

        Raises:
            ProtocolViolation: `bad_audio` for part of a sample; out of turn.
        """
        self._states.client_sends(AudioReceived)
        assert self._start is not None  # CLIENT_MOVES accepts no audio before a start
        check_whole_samples(pcm, self._start.encoding)
        return pcm

    def update(self, update: Update) -> str:
        """Changes settings from the next chunk on."""
        return self._send(update)

    def finalize(self, id: str) -> str:  # noqa: A002  # the protocol's own name of the field
        """Asks for a final of all audio so far.

        Raises:
            ProtocolViolation: `invalid_field` for a bad id or one that waits for its answer; out of turn.
        """
        if id in self._unanswered:
            raise ProtocolViolation(codes.INVALID_FIELD, f"id: finalize {id!r} has not been answered yet")
        try:
            text = self._send(Finalize(id))
        except InvalidMessage as error:
            raise ProtocolViolation(codes.INVALID_FIELD, str(error)) from error
        self._unanswered.add(id)
        return text

    def end(self) -> str:
        """Declares that no more audio will come."""
        return self._send(End())

    def receive_text(self, text: str) -> ServerEvent | None:
        """The event in a text message; None for one that this version does not know.

        Raises:
            ProtocolViolation: The server broke the protocol: the event is malformed, out of turn, numbered backwards,
                or answers a finalize that was not sent or is answered already.
        """
        event = codec.decode_event(text)
        if event is None:
            return None
        self._states.server_sends(event)
        # Gaps are legal: after a resume, interims that a later event has replaced are missing.
        if event.seq <= self.seq:
            raise ProtocolViolation(codes.UNEXPECTED_EVENT, f"event {event.seq} came after event {self.seq}")
        self.seq = event.seq
        if isinstance(event, Final) and event.finalize_id is not None:
            self._answer(event.finalize_id)
        return event

    def _send(self, message: ClientMessage) -> str:
        self._states.client_sends(type(message))
        return codec.encode_client(message)

    def _answer(self, finalize_id: str) -> None:
        if finalize_id not in self._unanswered:
            raise ProtocolViolation(codes.UNEXPECTED_EVENT, f"no finalize {finalize_id!r} waits for an answer")
        self._unanswered.remove(finalize_id)
