"""The flushes that a stream has asked its worker for and that are not answered yet. Positions are samples at 16 kHz."""

from __future__ import annotations

import enum
from dataclasses import dataclass


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
    """

    reason: FlushReason
    received: int
    ids: list[str]


class PendingFlushes:
    """Pending flushes by the marks that their answers carry; marks start at 1, as `CAUGHT_UP` is 0."""

    def __init__(self) -> None:
        self._pending: dict[int, PendingFlush] = {}
        self._last_mark = 0

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def last_is_final(self) -> bool:
        """Whether the newest is the stream's last."""
        newest = self._pending.get(self._last_mark)
        return newest is not None and newest.reason is not FlushReason.FINALIZE

    def finalize(self, received: int, finalize_id: str) -> int | None:
        """The mark to flush with; None when the newest flush answers this finalize too, as no audio lies between."""
        newest = self._pending.get(self._last_mark)
        if newest is not None and newest.reason is FlushReason.FINALIZE and newest.received == received:
            newest.ids.append(finalize_id)
            return None
        return self.ask(FlushReason.FINALIZE, received, finalize_id)

    def ask(self, reason: FlushReason, received: int, *ids: str) -> int:
        """The mark of a new flush."""
        self._last_mark += 1
        self._pending[self._last_mark] = PendingFlush(reason, received, [*ids])
        return self._last_mark

    def answer(self, mark: int | None) -> PendingFlush | None:
        """Takes out the flush that a mark belongs to; None for a result that answers no flush."""
        return None if mark is None else self._pending.pop(mark, None)
