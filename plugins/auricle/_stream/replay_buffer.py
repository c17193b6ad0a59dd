"""What a client has said and may have to say again: audio since the last settled point, and what lies between it.

Positions are bytes of the stream's audio, always a whole number of samples. `front` <= `cursor` <= `tail`: audio before
the front is gone, from there to the cursor the present connection has heard it, from there to the tail it has not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import takewhile

from auricle import audio
from auricle._stream.packetizer import Packetizer
from auricle.protocol import codes
from auricle.protocol.client_messages import SAMPLE_BYTES, End, Finalize, Start, Update
from auricle.protocol.server_messages import Held, Ready

Outgoing = bytes | Update | Finalize | End
LARGEST_PACKET_SECONDS = 0.5
_REFUSED_FIELDS: dict[str, tuple[str, ...]] = {
    codes.UNSUPPORTED_LATENCY: ("latency_ms",),
    codes.UNSUPPORTED_LANGUAGE: ("language",),
    codes.UNSUPPORTED_KEYTERMS: ("keyterms",),
    codes.INVALID_KEYTERMS: ("keyterms",),
    codes.SERVER_FULL: ("latency_ms", "refine"),
}
_SETTINGS = ("latency_ms", "language", "turn", "keyterms", "refine")


@dataclass(slots=True)
class _Mark:
    """A message and the audio position at which it was said."""

    position: int
    message: Update | Finalize | End


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a new connection takes up the stream.

    Attributes:
        origin: Seconds of the stream at which its audio begins.
        replayed_seconds: Audio held for it.
        lost_seconds: Audio that no final covers and that is not held any more.
    """

    origin: float
    replayed_seconds: float
    lost_seconds: float


class ReplayBuffer:
    """The replay memory of one stream; pure bookkeeping.

    Args:
        start: Settings with which the stream was opened.
        replay_seconds: Audio held at most, apart from what a connection has yet to be given.
        packet_seconds: Where the server's chunks are not known, pieces shorter than this wait for more audio, unless a
            message follows them.
    """

    def __init__(self, start: Start, replay_seconds: float, packet_seconds: float) -> None:
        self.start = start
        self._width = SAMPLE_BYTES[start.encoding]
        self._limit = self._position_of(replay_seconds)
        self._packet_seconds = packet_seconds
        self._pace = Packetizer(start.sample_rate, packet_seconds)
        self._largest = self._position_of(LARGEST_PACKET_SECONDS)
        self._held = bytearray()
        self._front = 0
        self._cursor = 0
        self._settled = 0
        self._accounted = 0
        self._attached = False
        self._origin = 0
        self._marks: list[_Mark] = []
        self._next_mark = 0
        self._told = self._told_before = 0
        self._pending: dict[str, _Mark] = {}

    @property
    def seconds(self) -> float:
        """Audio said so far."""
        return self._seconds_of(self._tail)

    @property
    def held_seconds(self) -> float:
        """Audio in memory."""
        return self._seconds_of(len(self._held))

    @property
    def unsent_seconds(self) -> float:
        """Audio that the present connection has not been given; all that is held while there is none."""
        return self._seconds_of(self._tail - self._cursor)

    @property
    def pending(self) -> Collection[str]:
        """Ids of the finalizes without an answer."""
        return self._pending.keys()

    @property
    def awaits_answer(self) -> bool:
        """Whether a finalize or the end is still to be answered."""
        return any(isinstance(mark.message, Finalize | End) for mark in self._marks)

    def audio(self, pcm: bytes) -> None:
        """Appends audio, a whole number of samples; drops the oldest beyond the bound.

        While a connection lasts only audio that it has heard can go: a hole would shift its clock.
        """
        self._held += pcm
        excess = len(self._held) - self._limit
        droppable = self._cursor - self._front if self._attached else len(self._held)
        if excess > 0:
            self._drop_to(self._front + min(excess, droppable))

    def say(self, message: Update | Finalize | End) -> None:
        """Appends a message behind all audio so far."""
        mark = _Mark(self._tail, message)
        self._marks.append(mark)
        if isinstance(message, Finalize):
            self._pending[message.id] = mark

    def next(self) -> Outgoing | None:
        """What the connection is to be told next; None when it has been told everything."""
        mark = self._marks[self._next_mark] if self._next_mark < len(self._marks) else None
        if mark is not None and mark.position <= self._cursor:
            return self._tell(mark.message)
        size = (self._tail if mark is None else mark.position) - self._cursor
        if size == 0 or (mark is None and not self._is_due()):
            return None
        return self._read(min(size, self._largest))

    def _is_due(self) -> bool:
        """Whether the audio that waits takes the server any further."""
        heard, said = self._cursor - self._origin, self._tail - self._origin
        return self._pace.is_due(heard // self._width, said // self._width)

    def _tell(self, message: Update | Finalize | End) -> Outgoing:
        self._next_mark += 1
        self._told += 1
        if isinstance(message, Update) and message.latency_ms is not None:
            self._pace = Packetizer(self.start.sample_rate, self._packet_seconds)
        return message

    def settle(self, seconds: float) -> None:
        """No later event depends on audio before `seconds`: lets go of it, and of the settings changed before."""
        # A server cannot have settled what it was not given, whatever it says.
        self._settled = max(self._settled, min(self._position_of(seconds), self._cursor))
        self._drop_to(self._settled)
        # An update right at the point may not have come yet: it is behind all audio that the server speaks of.
        said = takewhile(lambda mark: mark.position < self._settled, self._marks[: self._next_mark])
        for mark in said:
            if isinstance(mark.message, Update):
                self.start = _with_settings(self.start, mark.message)
                self._forget(mark)

    def answer(self, finalize_id: str) -> None:
        """The finalize has its final and need not be asked again."""
        self._forget(self._pending.pop(finalize_id))

    def refuse(self, code: str, ready: Ready) -> None:
        """The server could not follow an update: takes the setting out of it, so that a replay does not ask again.

        Args:
            code: The error's code.
            ready: What the server offers; of several updates on their way, one that asked for something else failed.
        """
        asking = [
            (mark, mark.message, name)
            for mark in reversed(self._marks[: self._next_mark])
            for name in _REFUSED_FIELDS.get(code, ())
            if isinstance(mark.message, Update) and getattr(mark.message, name) is not None
        ]
        if asking:
            mark, update, name = min(asking, key=lambda each: _likelihood(ready, each[1], each[2]))
            mark.message = _without(update, name)

    def attach(self, ready: Ready) -> Resumption:
        """A connection is ready to hear the stream from the front on."""
        self._listens(ready)
        self._origin, self._told = self._front, 0
        lost = self._front - max(self._settled, self._accounted)
        self._accounted = max(self._accounted, self._front)
        return Resumption(
            self._seconds_of(self._front), self._seconds_of(len(self._held)), self._seconds_of(max(0, lost))
        )

    def resume(self, ready: Ready) -> Resumption | None:
        """A connection goes on with the stream of the one before, see `Ready.held`.

        Returns:
            None when that cannot be: what comes next is not held here any more.
        """
        held = ready.held
        if held is None or not self.can_resume(held):
            return None
        self._listens(ready)
        self._cursor = self._origin + held.samples * self._width
        self._next_mark, self._told = self._told_before - (self._told - held.messages), held.messages
        return Resumption(self._seconds_of(self._origin), self.unsent_seconds, 0.0)

    def can_resume(self, held: Held) -> bool:
        """Whether everything that a server lacks which holds so much is still here."""
        cursor, untold = self._origin + held.samples * self._width, self._told - held.messages
        return self._front <= cursor <= self._tail and 0 <= untold <= self._told_before

    def _listens(self, ready: Ready) -> None:
        self._attached = True
        self._largest = self._aligned(min(self._largest, ready.limits.message_bytes))
        self._pace = Packetizer(self.start.sample_rate, self._packet_seconds, ready.chunks)

    @property
    def told(self) -> tuple[list[str], bool]:
        """Ids of the finalizes that the connection was told and has not answered; and whether it was told the end."""
        messages = [mark.message for mark in self._marks[: self._next_mark]]
        return [said.id for said in messages if isinstance(said, Finalize)], End() in messages

    def detach(self, *, speaking: bool) -> None:
        """The connection is gone: everything held is unsent again.

        Args:
            speaking: Whether a segment or turn is open. If not, what the connection has heard held no words, and it is
                no loss when it falls out of memory.
        """
        if not speaking:
            self._accounted = max(self._accounted, self._cursor)
        self._attached = False
        self._told_before = self._next_mark
        self._cursor = self._front
        self._next_mark = 0

    @property
    def _tail(self) -> int:
        return self._front + len(self._held)

    def _read(self, size: int) -> bytes:
        offset = self._cursor - self._front
        self._cursor += size
        return bytes(self._held[offset : offset + size])

    def _drop_to(self, position: int) -> None:
        if position > self._front:
            del self._held[: position - self._front]
            self._front = position
            self._cursor = max(self._cursor, position)

    def _forget(self, mark: _Mark) -> None:
        self._marks.remove(mark)
        self._next_mark -= 1

    def _position_of(self, seconds: float) -> int:
        return audio.size_of(seconds, self.start.sample_rate, self.start.encoding)

    def _seconds_of(self, position: int) -> float:
        return audio.seconds_of(position, self.start.sample_rate, self.start.encoding)

    def _aligned(self, size: int) -> int:
        return max(self._width, size - size % self._width)


def _likelihood(ready: Ready, update: Update, name: str) -> int:
    """How likely it is that the server follows, from 0 on: servers of before know a language by its own code only."""
    if name == "refine":
        return 0 if update.refine == "on" else 3  # what takes no time is never refused
    asked = getattr(update, name)
    if not ready.offers(asked):
        return 0
    return 1 if name == "language" and asked not in ready.languages else 2


def _without(update: Update, name: str) -> Update:
    kept = {field: getattr(update, field) for field in _SETTINGS if field != name}
    return Update(**kept)


def _with_settings(start: Start, update: Update) -> Start:
    changed = {name: getattr(update, name) for name in _SETTINGS if getattr(update, name) is not None}
    if start.offline:
        changed.pop("latency_ms", None)  # it has the model's largest, whoever serves it
    return replace(start, **changed)
