"""The input of a stream that a server may have to be sent again: its audio, and the messages between it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.server_messages import Ready

_REFUSED_FIELDS: dict[str, tuple[str, ...]] = {
    codes.UNSUPPORTED_LATENCY: ("latency_ms",),
    codes.UNSUPPORTED_LANGUAGE: ("language",),
    codes.UNSUPPORTED_KEYTERMS: ("keyterms",),
    codes.INVALID_KEYTERMS: ("keyterms",),
    # A shorter latency and a second pass both cost the server time; the error does not say which was too much.
    codes.SERVER_FULL: ("latency_ms", "refine"),
}
"""The fields of an `Update` that a non-fatal error with this code can be about."""
_SETTINGS = ("latency_ms", "language", "turn", "keyterms", "refine", "text_format")


class HeldAudio:
    """A window of the stream's audio.

    Positions are bytes of all audio, always a whole number of samples. `front` <= `cursor` <= `tail`: audio before
    `front` is dropped, audio from there to `cursor` has been sent on the present connection, audio from there to
    `tail` has not.

    Args:
        limit: Bytes held at most, apart from audio that must not be dropped, see `append`.
    """

    def __init__(self, limit: int) -> None:
        self.front = 0
        self.cursor = 0
        self._limit = limit
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def tail(self) -> int:
        """Position after the last byte."""
        return self.front + len(self._bytes)

    @property
    def unsent(self) -> int:
        """Bytes after `cursor`."""
        return self.front + len(self._bytes) - self.cursor

    def append(self, pcm: bytes, *, keep_unsent: bool) -> None:
        """Adds audio and drops the oldest beyond the limit.

        Args:
            pcm: A whole number of samples.
            keep_unsent: Whether only audio that has been sent may be dropped.
        """
        self._bytes += pcm
        excess = len(self._bytes) - self._limit
        if excess > 0:
            droppable = self.cursor - self.front if keep_unsent else len(self._bytes)
            self.drop_to(self.front + min(excess, droppable))

    def read(self, size: int) -> bytes:
        """The next `size` bytes, which count as sent from now on."""
        offset = self.cursor - self.front
        self.cursor += size
        return bytes(self._bytes[offset : offset + size])

    def drop_to(self, position: int) -> None:
        """Drops the audio before `position`."""
        if position > self.front:
            # Cheap: CPython advances the start of a bytearray and copies nothing.
            del self._bytes[: position - self.front]
            self.front = position
            self.cursor = max(self.cursor, position)

    def rewind(self) -> None:
        """Everything held is unsent again."""
        self.cursor = self.front


@dataclass(slots=True)
class _LoggedMessage:
    """A message and the position of the audio after which it stands."""

    position: int
    message: Update | Finalize | End


@dataclass(frozen=True, slots=True)
class SentRequests:
    """What a server has been asked for and has not answered.

    Attributes:
        finalizes: Ids of the finalizes.
        ended: Whether the `End` was sent.
    """

    finalizes: tuple[str, ...]
    ended: bool


class MessageLog:
    """Messages in order; those up to a cursor have been sent on the present connection."""

    def __init__(self) -> None:
        self._entries: list[_LoggedMessage] = []
        self._cursor = 0
        self._unanswered: dict[str, _LoggedMessage] = {}
        # The server counts the messages of a stream (`Held.messages`), also those that are forgotten here.
        self._sent_count = 0
        self._resendable = 0

    @property
    def unanswered(self) -> Collection[str]:
        """Ids of the finalizes without an answer, sent or not."""
        return self._unanswered.keys()

    @property
    def awaits_answer(self) -> bool:
        """Whether a finalize or the end still needs its answer."""
        return any(isinstance(entry.message, Finalize | End) for entry in self._entries)

    @property
    def sent_requests(self) -> SentRequests:
        """Of the present connection."""
        messages = [entry.message for entry in self._sent]
        return SentRequests(
            tuple(message.id for message in messages if isinstance(message, Finalize)), End() in messages
        )

    @property
    def next_position(self) -> int | None:
        """Position of the next message to send; None when all are sent."""
        if self._cursor == len(self._entries):
            return None
        return self._entries[self._cursor].position

    def add(self, position: int, message: Update | Finalize | End) -> None:
        """Adds a message after the audio up to `position`."""
        entry = _LoggedMessage(position, message)
        self._entries.append(entry)
        if isinstance(message, Finalize):
            self._unanswered[message.id] = entry

    def take_next(self) -> Update | Finalize | End:
        """The next message to send, which counts as sent from now on."""
        message = self._entries[self._cursor].message
        self._cursor += 1
        self._sent_count += 1
        return message

    def answer(self, finalize_id: str) -> None:
        """Forgets a finalize: it has its final."""
        # Always present: `ClientConnection` refuses an answer to a finalize that was not sent or is answered already.
        self._forget(self._unanswered.pop(finalize_id))

    def settle(self, position: int) -> list[Update]:
        """Forgets the updates sent before `position`, and returns them.

        An update right at `position` is kept: the server may have settled that much before it read the update.
        """
        settled = []
        for entry in self._sent:
            if entry.position >= position:
                break
            if isinstance(entry.message, Update):
                settled.append(entry.message)
                self._forget(entry)
        return settled

    def refuse(self, code: str, ready: Ready) -> None:
        """Takes a setting that the server refused out of its update, so that a replay does not ask for it again.

        Args:
            code: The error's code.
            ready: What the server offers. An error does not name its update; of several that were sent, the one for
                the setting that the server offers least is taken.
        """
        asking = [
            (entry, entry.message, name)
            for entry in reversed(self._sent)
            for name in _REFUSED_FIELDS.get(code, ())
            if isinstance(entry.message, Update) and getattr(entry.message, name) is not None
        ]
        if asking:
            # Of equals `min` takes the first, which is the newest: the entries are reversed.
            entry, update, name = min(asking, key=lambda each: _likelihood(ready, each[1], each[2]))
            entry.message = Update(**{other: getattr(update, other) for other in _SETTINGS if other != name})

    def rewind(self) -> None:
        """The connection is gone: every message is unsent again."""
        self._resendable, self._cursor = self._cursor, 0

    def restart(self) -> None:
        """A connection begins with none of the messages."""
        self._sent_count = 0

    def can_resume(self, count: int) -> bool:
        """Whether all that the server lacks is still here, when it has the first `count` messages that it was sent."""
        # Negative: the server claims more than it was sent. Above: some of what it lacks was answered or settled, and
        # is gone.
        return 0 <= self._sent_count - count <= self._resendable

    def resume(self, count: int) -> None:
        """A connection goes on after the first `count` messages that the server was sent; `can_resume`."""
        self._cursor = self._resendable - (self._sent_count - count)
        self._sent_count = count

    @property
    def _sent(self) -> list[_LoggedMessage]:
        return self._entries[: self._cursor]

    def _forget(self, entry: _LoggedMessage) -> None:
        self._entries.remove(entry)
        self._cursor -= 1


def with_settings(start: Start, update: Update) -> Start:
    """The `Start` of a stream whose settings are those of `start`, changed by `update`."""
    changed = {name: getattr(update, name) for name in _SETTINGS if getattr(update, name) is not None}
    if start.offline:
        changed.pop("latency_ms", None)  # an offline stream always has the largest latency of the model
    return replace(start, **changed)


def _likelihood(ready: Ready, update: Update, name: str) -> int:
    """How likely the server is to follow, from 0 on: before resolving locales, servers knew exact codes only."""
    if name == "refine":
        return 0 if update.refine == "on" else 3  # "off" and "auto" reserve no time and are never refused
    asked = getattr(update, name)
    if not ready.offers(asked):
        return 0
    return 1 if name == "language" and asked not in ready.languages else 2
