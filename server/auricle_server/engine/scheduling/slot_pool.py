"""Leases of the state pool's rows. Free plus used slots are always the total."""

from __future__ import annotations

from collections import deque

from auricle_server.engine.types import Lease, NoSlot

TRASH_SLOT = 0
"""Never leased: rows that must not keep what they computed write here."""


class SlotPool:
    """Leases slots 1 to `size`, the longest unused first."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a slot pool needs at least one slot, got {size}")
        self.size = size
        self._free = deque(range(1, size + 1))
        self._used: dict[int, Lease] = {}
        self._next_id = 1

    @property
    def used(self) -> int:
        """Slots that are leased."""
        return len(self._used)

    def take(self) -> Lease:
        """Leases a slot.

        Raises:
            NoSlot: All slots are leased.
        """
        if not self._free:
            raise NoSlot(f"all {self.size} slots are leased; end a stream or start the server with more slots")
        lease = Lease(self._next_id, self._free.popleft())
        # A result in flight names its lease, so it cannot be taken for that of the slot's next stream.
        self._next_id += 1
        self._used[lease.id] = lease
        return lease

    def release(self, lease: Lease) -> None:
        """Ends a lease.

        Raises:
            KeyError: The lease has ended already.
        """
        del self._used[lease.id]
        self._free.append(lease.slot)
