"""Second lanes: the same audio once more at the model's longest latency, for finals that hear better.

A stream that wants one for certain gets it or is refused, like a stream. One that takes it as it comes gets it while
there is time to spare, and gives it up, the newest first, as soon as a stream needs its slot or all together need more
time than there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from auricle_server.ipc.messages import SecondPassChanged
from auricle_server.worker.admission import Admission
from auricle_server.worker.stream_table import Owner, StreamEntry, StreamTable

if TYPE_CHECKING:
    from auricle_server.engine import Engine


class SecondPasses:
    """The second lanes of a worker's streams.

    Args:
        engine: Where they run.
        tenants: Where they are written down.
        admission: Says whether there is time for them.
        tell: Takes what a gateway must know.
    """

    def __init__(
        self,
        engine: Engine,
        tenants: StreamTable,
        admission: Admission,
        tell: Callable[[bytes, SecondPassChanged], None],
    ) -> None:
        self._engine = engine
        self._tenants = tenants
        self._admission = admission
        self._tell = tell
        self._latency_ms = max(engine.info.latencies_ms)
        self._chunk_frames = round(self._latency_ms / 1000 / engine.info.frame_seconds)
        self._spare: dict[Owner, None] = {}
        """Streams whose lane may go, the newest last."""
        self._waiting: dict[Owner, None] = {}
        """Streams that take one when there is time, the longest waiting first."""

    @property
    def firm(self) -> int:
        """Lanes that nobody can take away."""
        return self._tenants.seconds - len(self._spare)

    def change(self, owner: Owner, refine: str) -> bool:
        """What the stream wants from now on; False when there is no room for that, and all stays as it was."""
        tenant = self._of(owner)
        if refine == "on" and tenant.latency_ms != self._latency_ms and not self._fits(owner, tenant):
            return False
        tenant.refine = refine
        self.follow(owner)
        return True

    def _fits(self, owner: Owner, tenant: StreamEntry) -> bool:
        """Whether the stream can have a lane that nobody takes away, or has it."""
        if self._is_firm(owner, tenant):
            return True
        return self._admission.fits(self._latency_ms) and (tenant.second is not None or self.make_room())

    def follow(self, owner: Owner) -> None:
        """Does what the stream's settings ask for. A stream of the longest latency needs no second lane.

        One that comes from there and wants a lane for certain takes it as it comes, when there is no room for it.
        """
        tenant = self._of(owner)
        self._waiting.pop(owner, None)
        if tenant.refine == "off" or tenant.latency_ms == self._latency_ms:
            self._close(owner)
        elif tenant.refine == "on" and self._fits(owner, tenant):
            self._have(owner, tenant, firm=True)
        elif tenant.second is not None or self._has_time_to_spare():
            self._have(owner, tenant, firm=False)
        else:
            self._waiting[owner] = None
        self.relieve()

    def _have(self, owner: Owner, tenant: StreamEntry, *, firm: bool) -> None:
        """The stream has a lane, under these terms."""
        if tenant.second is None:
            self._open(owner, tenant, firm=firm)
        elif firm != self._is_firm(owner, tenant):
            self._admission.remove(self._latency_ms, spare=firm)
            self._admission.add(self._latency_ms, spare=not firm)
            if firm:
                del self._spare[owner]
            else:
                self._spare[owner] = None

    def _of(self, owner: Owner) -> StreamEntry:
        tenant = self._tenants.get(owner)
        assert tenant is not None, "looked up before"
        return tenant

    def _is_firm(self, owner: Owner, tenant: StreamEntry) -> bool:
        return tenant.second is not None and owner not in self._spare

    def _open(self, owner: Owner, tenant: StreamEntry, *, firm: bool) -> None:
        lease = self._engine.open(self._latency_ms, tenant.language, tenant.keyterms)
        base, silence = self._tenants.open_second(owner, lease, self._chunk_frames)
        self._admission.add(self._latency_ms, spare=not firm)
        if not firm:
            self._spare[owner] = None
        if silence:
            self._engine.push(lease, np.zeros(silence, np.int16))
        self._tell(owner[0], SecondPassChanged(owner[1], active=True, base=base))

    def _close(self, owner: Owner) -> None:
        lease = self._tenants.close_second(owner)
        if lease is not None:
            self.forget(owner, had_one=True)
            self._engine.close(lease)
            self._tell(owner[0], SecondPassChanged(owner[1], active=False))

    def forget(self, owner: Owner, *, had_one: bool) -> None:
        """The stream has gone, or its lane."""
        self._waiting.pop(owner, None)
        if had_one:
            self._admission.remove(self._latency_ms, spare=owner in self._spare)
            self._spare.pop(owner, None)

    # --- as load comes and goes --------------------------------------------------------------------------------------

    def make_room(self) -> bool:
        """Whether a slot is free, which may cost somebody a lane."""
        if self._engine.slots_used >= self._engine.info.slots and self._spare:
            self._shed()
        return self._engine.slots_used < self._engine.info.slots

    def relieve(self) -> None:
        """Gives lanes up until the others have their time."""
        while self._spare and self._admission.overloaded:
            self._shed()

    def _shed(self) -> None:
        owner = next(reversed(self._spare))
        self._close(owner)
        self._waiting[owner] = None

    def housekeep(self) -> None:
        """Once a second: fewer lanes when time is short, more while there is some to spare."""
        self.relieve()
        while self._waiting and self._has_time_to_spare():
            owner = next(iter(self._waiting))
            del self._waiting[owner]
            self._open(owner, self._of(owner), firm=False)

    def _has_time_to_spare(self) -> bool:
        free = self._engine.slots_used < self._engine.info.slots
        return free and self._admission.has_to_spare(self._latency_ms)

    def keep(self, owner: Owner) -> None:
        """The stream ends: what its lane still owes is not taken away, and none is opened any more."""
        self._waiting.pop(owner, None)
        if owner in self._spare:
            self._have(owner, self._of(owner), firm=True)
