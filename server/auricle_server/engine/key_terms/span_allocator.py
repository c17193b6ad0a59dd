"""Room in a table of fixed size."""

from __future__ import annotations

from bisect import insort


class SpanAllocator:
    """Hands out spans of a table, the first that fits; free plus used is always the total.

    Args:
        begin: First entry to hand out.
        end: One past the last.
    """

    def __init__(self, begin: int, end: int) -> None:
        self._free = [(begin, end)] if end > begin else []

    @property
    def free(self) -> int:
        """Entries that are not handed out."""
        return sum(end - begin for begin, end in self._free)

    def take(self, size: int) -> int | None:
        """First entry of a span; None when there is no room."""
        for index, (begin, end) in enumerate(self._free):
            if end - begin >= size:
                self._free[index : index + 1] = [(begin + size, end)] if begin + size < end else []
                return begin
        return None

    def give_back(self, begin: int, size: int) -> None:
        """A span is free again."""
        if not size:
            return
        insort(self._free, (begin, begin + size))
        joined: list[tuple[int, int]] = []
        for span in self._free:
            if joined and joined[-1][1] == span[0]:
                joined[-1] = joined[-1][0], span[1]
            else:
                joined.append(span)
        self._free = joined
