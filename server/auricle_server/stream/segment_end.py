"""Where segments end. Pure; positions are samples at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.stream.flushes import FlushReason, PendingFlush
from auricle_server.turns import TurnEnded

LONGEST_SEGMENT = 60 * SAMPLE_RATE
"""A segment older than this ends at the next chunk without a word, and one twice as old at once, so that interims stay
short in a stream of hours."""
BETWEEN_WORDS = SAMPLE_RATE // 5
"""After this long without a token, the last word has ended."""


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """The end of a segment, from its decision until its final.

    Attributes:
        position: The audio position on which it was decided.
        border: Words that start after it belong to the next segment, and no later event depends on audio before it.
        mark: Of the flush that ends the segment; None when turn detection or its length does.
        flush: That flush. Its answers decide which words are the segment's, whatever the border.
        end: The end of the turn, if the turn ends here.
    """

    position: int
    border: int
    mark: int | None = None
    flush: PendingFlush | None = None
    end: TurnEnded | None = None

    @property
    def takes_all(self) -> bool:
        """Whether every word so far is the segment's, even one that has just begun."""
        return self.flush is not None and self.flush.reason is not FlushReason.DRAIN

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


def too_long(start: int, position: int, *, quiet: bool) -> bool:
    """Whether a segment has grown so long that it ends here; `quiet` says that the chunk has brought no word."""
    age = position - start
    return age > 2 * LONGEST_SEGMENT or (quiet and age > LONGEST_SEGMENT)


def between(speech_end: int, position: int) -> int:
    """A border in the middle of the silence after the last word: the next word may have begun without a token yet."""
    return min(position, (speech_end + position) // 2)
