"""The flushes that a stream has asked its worker for and that are not answered yet."""

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
    """One of them.

    Attributes:
        reason: Why.
        heard: Samples that had come by then.
        ids: The finalizes that it will answer.
    """

    reason: FlushReason
    heard: int
    ids: list[str]


class Flushes:
    """By the marks that come back with their answers."""

    def __init__(self) -> None:
        self._pending: dict[int, PendingFlush] = {}
        self._last_mark = 0

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def last_is_final(self) -> bool:
        """Whether the newest one is the stream's last."""
        newest = self._pending.get(self._last_mark)
        return newest is not None and newest.reason is not FlushReason.FINALIZE

    def finalize(self, heard: int, finalize_id: str) -> int | None:
        """The mark to flush with; None when the flush before answers this finalize too, as no audio lies between."""
        newest = self._pending.get(self._last_mark)
        if newest is not None and newest.reason is FlushReason.FINALIZE and newest.heard == heard:
            newest.ids.append(finalize_id)
            return None
        return self.ask(FlushReason.FINALIZE, heard, finalize_id)

    def ask(self, reason: FlushReason, heard: int, *ids: str) -> int:
        """The mark of a new flush."""
        self._last_mark += 1
        self._pending[self._last_mark] = PendingFlush(reason, heard, [*ids])
        return self._last_mark

    def answer(self, mark: int | None) -> PendingFlush | None:
        """The flush that a mark belongs to; it waits no more."""
        return None if mark is None else self._pending.pop(mark, None)
