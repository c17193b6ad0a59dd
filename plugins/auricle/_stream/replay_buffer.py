"""What a client has sent and may have to send again: audio since the last settled point, and the messages between it.

The invariant that makes a replay exact: audio is dropped only when a final (or silence) covers it, and a message only
when it is answered or its effect is part of `start`. A new server that is given `start` and everything held therefore
ends up where the lost one was.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from auricle._stream.held_input import HeldAudio, MessageLog, SentRequests, with_settings
from auricle.protocol.audio_positions import ChunkGrid, Held
from auricle.protocol.client_messages import SAMPLE_BYTES, End, Finalize, Outgoing, Start, Update
from auricle.protocol.server_messages import Ready

LONGEST_WAIT_SECONDS = 0.16
"""Audio is sent at least this often, however long the server's chunks are: a break then loses little on the way, and a
slow network need not carry a whole chunk at the moment at which it is needed."""
LARGEST_PACKET_SECONDS = 0.5
"""A longer message would hold up the messages after it, and a cut in the middle of it would lose all of it."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a new connection takes over the stream.

    Attributes:
        origin: Seconds of the stream at which the connection's audio begins.
        replayed_seconds: Audio held for it.
        lost_seconds: Audio that no final covers and that is no longer held.
    """

    origin: float
    replayed_seconds: float
    lost_seconds: float


class ReplayBuffer:
    """The replay memory of one stream; pure bookkeeping.

    Args:
        start: Settings with which the stream was opened.
        replay_seconds: Audio held at most, apart from unsent audio of a live connection.
        packet_seconds: While the server's chunks are not known, shorter pieces wait for more audio, unless a message
            follows them.

    Attributes:
        start: Settings in force at the front of the held audio: a new connection begins with them.
    """

    def __init__(self, start: Start, replay_seconds: float, packet_seconds: float) -> None:
        self.start = start
        self._width = SAMPLE_BYTES[start.encoding]
        self._bytes_per_second = start.sample_rate * self._width
        self._packet_seconds = packet_seconds
        self._packetizer = Packetizer(start.sample_rate, packet_seconds)
        self._largest_packet = self._position_of(LARGEST_PACKET_SECONDS)
        self._audio = HeldAudio(self._position_of(replay_seconds))
        self._messages = MessageLog()
        self._attached = False
        self._origin = 0
        self._settled = 0
        self._accounted = 0

    @property
    def audio_seconds(self) -> float:
        """Audio added so far."""
        return self._seconds_of(self._audio.tail)

    @property
    def held_seconds(self) -> float:
        """Audio in memory."""
        return self._seconds_of(len(self._audio))

    @property
    def front_seconds(self) -> float:
        """Position of the first audio in memory, from which a new server begins."""
        return self._seconds_of(self._audio.front)

    @property
    def unsent_seconds(self) -> float:
        """Audio not sent on the present connection; without a connection, all that is held."""
        return self._seconds_of(self._audio.unsent)

    @property
    def unanswered(self) -> Collection[str]:
        """Ids of the finalizes without an answer."""
        return self._messages.unanswered

    @property
    def awaits_answer(self) -> bool:
        """Whether a finalize or the end still needs its answer."""
        return self._messages.awaits_answer

    @property
    def sent_requests(self) -> SentRequests:
        """What the present connection was asked for and has not answered."""
        return self._messages.sent_requests

    # --- input -------------------------------------------------------------------------------------------------------

    def add_audio(self, pcm: bytes) -> None:
        """Appends audio, a whole number of samples; drops the oldest beyond the limit.

        While a connection lasts, only audio sent on it is dropped: a gap would shift the server's clock.
        """
        self._audio.append(pcm, keep_unsent=self._attached)

    def add_message(self, message: Update | Finalize | End) -> None:
        """Appends a message after all audio so far."""
        self._messages.add(self._audio.tail, message)

    # --- output ------------------------------------------------------------------------------------------------------

    def next_unsent(self) -> Outgoing | None:
        """What to send next; None when everything is sent that is worth a packet."""
        position, cursor = self._messages.next_position, self._audio.cursor
        # A message takes the audio before it along, however short: the server must read both in this order.
        if position is None:
            position = self._audio.tail
            if position == cursor or not self._is_due(cursor, position):
                return None
        elif position <= cursor:
            return self._next_message()
        return self._audio.read(min(position - cursor, self._largest_packet))

    def _next_message(self) -> Update | Finalize | End:
        message = self._messages.take_next()
        if isinstance(message, Update) and message.latency_ms is not None:
            # The chunks of the new latency are not known: `Ready` told those of the old one.
            self._packetizer = Packetizer(self.start.sample_rate, self._packet_seconds)
        return message

    def _is_due(self, cursor: int, tail: int) -> bool:
        """Whether the server can do more with the unsent audio than without it."""
        # In samples since `_origin`: the chunks of the server count from the first audio that it received.
        return self._packetizer.is_due((cursor - self._origin) // self._width, (tail - self._origin) // self._width)

    # --- what the server's events allow to forget --------------------------------------------------------------------

    def settle(self, seconds: float) -> None:
        """No later event depends on audio before `seconds`: drops it, and makes earlier updates part of `start`."""
        # The bound by the cursor keeps a faulty server from settling audio that it was not sent.
        self._settled = max(self._settled, min(self._position_of(seconds), self._audio.cursor))
        self._audio.drop_to(self._settled)
        for update in self._messages.settle(self._settled):
            self.start = with_settings(self.start, update)

    def answer(self, finalize_id: str) -> None:
        """The finalize has its final and need not be sent again."""
        self._messages.answer(finalize_id)

    def refuse(self, code: str, ready: Ready) -> None:
        """The server could not follow an update, see `MessageLog.refuse`."""
        self._messages.refuse(code, ready)

    # --- connections -------------------------------------------------------------------------------------------------

    def attach(self, ready: Ready) -> Resumption:
        """A connection begins at the front of the held audio."""
        self._adapt_to(ready)
        front = self._audio.front
        self._origin = front
        self._messages.restart()
        # `_accounted` keeps two breaks in a row from reporting the same gap twice.
        lost = max(0, front - max(self._settled, self._accounted))
        self._accounted = max(self._accounted, front)
        return Resumption(self._seconds_of(front), self.held_seconds, self._seconds_of(lost))

    def replace_start(self, start: Start) -> None:
        """The next attempt at a first connection asks with another `Start`.

        Raises:
            ValueError: It has another encoding or sample rate; audio of the former is held already.
        """
        if (start.encoding, start.sample_rate) != (self.start.encoding, self.start.sample_rate):
            raise ValueError("start: the encoding and the sample rate of a stream cannot change between attempts")
        self.start = start

    def resume(self, ready: Ready) -> Resumption | None:
        """A connection goes on with the stream of the one before, see `Ready.held`.

        Returns:
            None when that is impossible: what the server lacks is no longer held.
        """
        held = ready.held
        if held is None or not self.can_resume(held):
            return None
        self._adapt_to(ready)
        # A resumed stream keeps its origin; the server's count begins there and goes on over its connections.
        self._audio.cursor = self._origin + held.samples * self._width
        self._messages.resume(held.messages)
        return Resumption(self._seconds_of(self._origin), self.unsent_seconds, 0.0)

    def can_resume(self, held: Held) -> bool:
        """Whether all that a server lacks is still here, when it holds that much of the stream."""
        position = self._origin + held.samples * self._width
        return self._audio.front <= position <= self._audio.tail and self._messages.can_resume(held.messages)

    def detach(self, *, speaking: bool) -> None:
        """The connection is gone: everything held is unsent again.

        Args:
            speaking: Whether a segment or turn is open. If not, the audio sent so far held no words without a final,
                and dropping it is no loss.
        """
        if not speaking:
            self._accounted = max(self._accounted, self._audio.cursor)
        self._attached = False
        self._audio.rewind()
        self._messages.rewind()

    def _adapt_to(self, ready: Ready) -> None:
        self._attached = True
        largest = min(self._largest_packet, ready.limits.message_bytes)
        # Whole samples, and at least one, whatever limit the server names.
        self._largest_packet = max(self._width, largest - largest % self._width)
        self._packetizer = Packetizer(self.start.sample_rate, self._packet_seconds, ready.chunks)

    def _position_of(self, seconds: float) -> int:
        return round(seconds * self.start.sample_rate) * self._width

    def _seconds_of(self, position: int) -> float:
        return position / self._bytes_per_second


class Packetizer:
    """The points of the audio up to which it is sent. Numbers only: no clock.

    A model works in chunks: audio that does not complete one changes nothing, and a WebSocket message costs about the
    same for 20 ms as for 160 ms.

    The last sample that a chunk needs is sent at once; samples after it wait for the next point.

    Args:
        sample_rate: Samples per second.
        packet_seconds: Distance between the points while the server's chunks are not known.
        chunks: The server's.
    """

    def __init__(self, sample_rate: int, packet_seconds: float, chunks: ChunkGrid | None = None) -> None:
        if chunks is None or chunks.step <= 0:
            self._first: float | None = None
            self._step = max(1.0, packet_seconds * sample_rate)
        else:
            # Rounded to thousandths of a sample: 80 ms are whole at any rate, but not as a binary fraction.
            self._first = round(chunks.first * sample_rate, 3)
            # A long chunk is cut into equal parts, so that one point is always its end; the 1e-6 keeps a rounding error
            # in the quotient from adding a part.
            self._step = round(chunks.step * sample_rate, 3) / math.ceil(chunks.step / LONGEST_WAIT_SECONDS - 1e-6)

    def is_due(self, sent: int, given: int) -> bool:
        """Whether a point lies after the first `sent` samples of the connection and within the first `given`."""
        if self._first is None:
            return given - sent >= self._step
        # Negative within the first chunk, which has points at the same distances before its end.
        passed = math.floor((sent - self._first) / self._step)
        return given >= self._first + (passed + 1) * self._step
