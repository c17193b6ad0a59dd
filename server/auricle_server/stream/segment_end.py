"""Where segments end, and the flushes that end them. Pure; positions are samples at 16 kHz."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns import TurnEnded

LONGEST_SEGMENT = 60 * SAMPLE_RATE
"""A segment older than this ends at the next chunk without a word, and one twice as old at once, so that interims stay
short in a stream of hours."""


class FlushReason(enum.Enum):
    """Why a flush was asked for."""

    FINALIZE = enum.auto()
    END = enum.auto()
    DRAIN = enum.auto()


@dataclass(slots=True)
class PendingFlush:
    """A flush that is not answered yet.

    Attributes:
        reason: Why it was asked for.
        received: Samples that had come from the client by then.
        ids: The finalizes that it will answer.
        ends_turn: Whether the open turn ends with it.
    """

    reason: FlushReason
    received: int
    ids: list[str]
    ends_turn: bool = False


class PendingFlushes:
    """The flushes that a stream has asked its worker for and that are not answered yet, by the marks of their answers.

    Marks start at 1, as `CAUGHT_UP` is 0.

    Attributes:
        pending: The flushes by mark.
    """

    def __init__(self) -> None:
        self.pending: dict[int, PendingFlush] = {}
        self._last_mark = 0

    @property
    def last_is_final(self) -> bool:
        """Whether the newest is the stream's last."""
        newest = self.pending.get(self._last_mark)
        return newest is not None and newest.reason is not FlushReason.FINALIZE

    def finalize(self, received: int, finalize_id: str, *, ends_turn: bool = False) -> int | None:
        """The mark to flush with; None when the newest flush answers this finalize too, as no audio lies between."""
        newest = self.pending.get(self._last_mark)
        if newest is not None and newest.reason is FlushReason.FINALIZE and newest.received == received:
            newest.ids.append(finalize_id)
            newest.ends_turn |= ends_turn
            return None
        mark = self.ask(FlushReason.FINALIZE, received, finalize_id)
        self.pending[mark].ends_turn = ends_turn
        return mark

    def ask(self, reason: FlushReason, received: int, *ids: str) -> int:
        """The mark of a new flush."""
        self._last_mark += 1
        self.pending[self._last_mark] = PendingFlush(reason, received, [*ids])
        return self._last_mark

    def answer(self, mark: int) -> PendingFlush | None:
        """Takes out the flush that a mark belongs to; None when it is answered already, or is none of these."""
        return self.pending.pop(mark, None)


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """The end of a segment, from its decision until its final.

    Attributes:
        position: The audio position on which it was decided.
        border: Words that start after it belong to the next segment, and no later event depends on audio before it.
        mark: Of the flush that ends the segment; None when turn detection or its length does.
        flush: That flush. Its answers decide which words are the segment's, whatever the border.
        end: The end of the turn, if the turn ends here.
        splits: Whether words after the border have come already and stay, as the beginning of the next segment.
    """

    position: int
    border: int
    mark: int | None = None
    flush: PendingFlush | None = None
    end: TurnEnded | None = None
    splits: bool = False

    @property
    def takes_all(self) -> bool:
        """Whether every word so far is the segment's, even one that has just begun."""
        return self.flush is not None and not self.drains

    @property
    def drains(self) -> bool:
        """Whether the stream goes on elsewhere: its client replays from the border on, where words after it come."""
        return self.flush is not None and self.flush.reason is FlushReason.DRAIN

    @property
    def ids(self) -> list[str]:
        """The finalizes that it answers."""
        return self.flush.ids if self.flush is not None else []

    @property
    def ends_stream(self) -> bool:
        """Whether it answers the client's `End`."""
        return self.flush is not None and self.flush.reason is FlushReason.END

    @property
    def last(self) -> bool:
        """Whether the stream is over after it."""
        return self.flush is not None and self.flush.reason is not FlushReason.FINALIZE


def is_too_long(start: int, position: int, *, quiet: bool) -> bool:
    """Whether a segment has grown so long that it ends here; `quiet` says that the chunk has brought no word."""
    age = position - start
    return age > 2 * LONGEST_SEGMENT or (quiet and age > LONGEST_SEGMENT)


def middle_of_silence(speech_end: int, position: int) -> int:
    """A border in the middle of the silence after the last word: the next word may have begun without a token yet."""
    return min(position, (speech_end + position) // 2)
