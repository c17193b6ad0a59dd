"""Where segments end. Pure; positions are samples at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.stream.flushes import FlushReason, PendingFlush
from auricle_server.turns import TurnEnded

LONGEST_SEGMENT = 60 * SAMPLE_RATE
"""A segment older than this is cut at the next chunk that brings no word, and one twice as old at once, so that
interims stay short for hours."""
BETWEEN_WORDS = SAMPLE_RATE // 5
"""Without a token for this long, the last word is over."""


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """The end of a segment, from the moment it is decided.

    Attributes:
        position: The audio position on which it was decided.
        border: Words that start behind it belong to the next segment, and no later event depends on audio before it.
        mark: Of the flush that brought it about; None when the server decided by itself.
        flush: That flush. Its answers say which words are the segment's, whatever the border.
        end: The end of the turn, where this is it.
    """

    position: int
    border: int
    mark: int | None = None
    flush: PendingFlush | None = None
    end: TurnEnded | None = None

    @property
    def takes_all(self) -> bool:
        """Whether all that was said is the segment's, even a word that has just begun."""
        return self.flush is not None and self.flush.reason is not FlushReason.DRAIN

    @property
    def ids(self) -> list[str]:
        """The finalizes that it answers."""
        return self.flush.ids if self.flush is not None else []

    @property
    def ends_stream(self) -> bool:
        """Whether the client has said all."""
        return self.flush is not None and self.flush.reason is FlushReason.END

    @property
    def last(self) -> bool:
        """Whether nothing follows."""
        return self.flush is not None and self.flush.reason is not FlushReason.FINALIZE


def too_long(start: int, position: int, *, quiet: bool) -> bool:
    """Whether a segment has grown so long that it is cut, `quiet` where the chunk has brought no word."""
    age = position - start
    return age > 2 * LONGEST_SEGMENT or (quiet and age > LONGEST_SEGMENT)


def between(speech_end: int, position: int) -> int:
    """A border in the silence behind the last word, as far from it as from what may have begun unheard."""
    return min(position, (speech_end + position) // 2)
