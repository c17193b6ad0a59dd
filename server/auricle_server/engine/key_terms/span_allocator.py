"""Allocates spans of a table of fixed size."""

from __future__ import annotations

from bisect import insort


class SpanAllocator:
    """First-fit allocator; free plus allocated entries are always the total.

    Args:
        begin: First entry to allocate.
        end: One past the last.
    """

    def __init__(self, begin: int, end: int) -> None:
        self._free = [(begin, end)] if end > begin else []

    @property
    def free(self) -> int:
        """Entries that are not allocated."""
        return sum(end - begin for begin, end in self._free)

    def take(self, size: int) -> int | None:
        """Allocates a span. Returns its first entry; None when no free span is large enough."""
        for index, (begin, end) in enumerate(self._free):
            if end - begin >= size:
                self._free[index : index + 1] = [(begin + size, end)] if begin + size < end else []
                return begin
        return None

    def release(self, begin: int, size: int) -> None:
        """Frees a span and joins it to its free neighbours."""
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
