"""Leases of the state pool's rows. Free plus used slots are always the total."""

from __future__ import annotations

from collections import deque

import numpy as np

from auricle_server.engine.types import Lease, LeaseEnded, NoSlot

TRASH_SLOT = 0
"""Never leased: rows that must not keep what they computed write here."""


class SlotPool:
    """Leases slots 1 to `size`, the longest unused first.

    Attributes:
        lease_of: Id of each slot's lease, 0 where the slot is free, [size + 1].
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a slot pool needs at least one slot, got {size}")
        self.size = size
        self._free = deque(range(1, size + 1))
        self._used: dict[int, Lease] = {}
        self._next_id = 1
        self.lease_of = np.zeros(size + 1, np.int64)

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
        self.lease_of[lease.slot] = lease.id
        return lease

    def holds(self, lease: Lease) -> bool:
        """Whether the lease has not ended."""
        return bool(self.lease_of[lease.slot] == lease.id)

    def slot_of(self, lease: Lease) -> int:
        """Slot of a lease.

        Raises:
            LeaseEnded: The lease has ended.
        """
        if not self.holds(lease):
            raise LeaseEnded(f"lease {lease.id} has ended; open a new stream")
        return lease.slot

    def release(self, lease: Lease) -> None:
        """Ends a lease.

        Raises:
            KeyError: The lease has ended already.
        """
        del self._used[lease.id]
        self.lease_of[lease.slot] = 0
        self._free.append(lease.slot)
