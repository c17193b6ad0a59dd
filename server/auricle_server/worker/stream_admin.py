"""What gateways ask for, one stream at a time: who gets a slot, what changes, who leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from auricle.protocol import codes
from auricle_server.ipc.messages import (
    CAUGHT_UP,
    CloseStream,
    FlushSecondPass,
    FlushStream,
    GatewayItem,
    OpenStream,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
    WorkerItem,
)
from auricle_server.worker.admission import Admission
from auricle_server.worker.second_pass import SecondPasses
from auricle_server.worker.stream_table import Owner, StreamEntry, StreamTable

if TYPE_CHECKING:
    from auricle_server.engine import Engine

log = logging.getLogger(__name__)

_NO_TIME = "the worker has no time for another stream of this latency; try again, or ask for a longer one"
MOST_OFFLINE = 16
"""Streams at once that nobody listens to live. More of them would not be faster, and each holds audio that waits.
They have at most every second slot: the others are for those who speak."""
_NO_OFFLINE = "as many files as this worker takes at once are under way; try again"
_NO_SECOND = "the worker has no time for the second pass of another stream; try again, or do without"


class StreamAdmin:
    """Keeps slots, time and second lanes of a worker's streams in step.

    Args:
        engine: Where they run.
        tenants: Who holds which slot.
        admission: Says whether there is time.
        tell: Takes what a gateway must know.

    Attributes:
        lanes: The second lanes.
    """

    def __init__(
        self,
        engine: Engine,
        tenants: StreamTable,
        admission: Admission,
        tell: Callable[[bytes, WorkerItem], None],
    ) -> None:
        self._engine = engine
        self._tenants = tenants
        self._admission = admission
        self._tell = tell
        self._offline = 0
        self.lanes = SecondPasses(engine, tenants, admission, tell)

    @property
    def slots_used(self) -> int:
        """Slots that are not to be had."""
        return len(self._tenants) + self.lanes.firm

    def apply(self, owner: Owner, item: GatewayItem) -> None:
        """Does what a gateway asks for; what goes wrong is to be told to `fail`."""
        if isinstance(item, OpenStream):
            self._open(owner, item)
            return
        tenant = self._tenants.get(owner)
        if tenant is None:
            return  # it has failed or ended while this was on its way
        match item:
            case FlushStream():
                self._flush(owner, tenant, item)
            case FlushSecondPass():
                if tenant.second is not None:
                    self._engine.flush(tenant.second, CAUGHT_UP)
            case UpdateStream():
                self._change(owner, tenant, item)
            case CloseStream():
                self.close(owner)

    def _open(self, owner: Owner, item: OpenStream) -> None:
        if not self._admission.fits(item.latency_ms):
            self._tell(owner[0], StreamFailure(item.stream, codes.SERVER_FULL, _NO_TIME))
            return
        self.lanes.make_room()
        lease = self._engine.open(item.latency_ms, item.language)
        self._admission.add(item.latency_ms)
        ticket = self._tenants.add(owner, lease, item.latency_ms, item.language)
        self._tell(owner[0], StreamOpened(item.stream, lease.slot, ticket))
        self.lanes.relieve()

    def _flush(self, owner: Owner, tenant: StreamEntry, item: FlushStream) -> None:
        self._engine.flush(tenant.lease, item.mark, last=item.last)
        if tenant.second is not None:
            self._engine.flush(tenant.second, item.mark, last=item.last)
        if item.last:
            self._tenants.stop_input(owner)
            self.lanes.keep(owner)

    # --- settings ----------------------------------------------------------------------------------------------------

    def _change(self, owner: Owner, tenant: StreamEntry, item: UpdateStream) -> None:
        settings = item.settings
        if settings.language is not None:
            self._change_language(tenant, settings.language)
        if settings.keyterms is not None:
            self._change_keyterms(tenant, settings.keyterms)
        if settings.offline and not self._step_behind(tenant):
            self._refuse(owner, item, _NO_OFFLINE)
        elif not self._change_latency(owner, tenant, settings.latency_ms or tenant.latency_ms):
            self._refuse(owner, item, _NO_TIME, tenant.latency_ms)
        elif settings.refine is not None and not self.lanes.change(owner, settings.refine):
            self._refuse(owner, item, _NO_SECOND)

    def _change_language(self, tenant: StreamEntry, language: str) -> None:
        self._engine.change(tenant.lease, language=language)
        if tenant.second is not None:
            self._engine.change(tenant.second, language=language)
        tenant.language = language

    def _step_behind(self, tenant: StreamEntry) -> bool:
        """Nobody listens to the stream live: the time planned for it is free. False when there are too many."""
        if self._offline >= min(MOST_OFFLINE, max(1, self._engine.info.slots // 2)):
            return False
        latency_ms = max(self._engine.info.latencies_ms)
        self._engine.change(tenant.lease, latency_ms=latency_ms)
        self._engine.set_background(tenant.lease)
        self._admission.remove(tenant.latency_ms)
        tenant.latency_ms, tenant.offline = latency_ms, True
        self._offline += 1
        return True

    def _change_keyterms(self, tenant: StreamEntry, keyterms: tuple[str, ...]) -> None:
        self._engine.change(tenant.lease, keyterms=keyterms)
        if tenant.second is not None:
            self._engine.change(tenant.second, keyterms=keyterms)
        tenant.keyterms = keyterms

    def _change_latency(self, owner: Owner, tenant: StreamEntry, latency_ms: int) -> bool:
        if latency_ms == tenant.latency_ms:
            return True
        if not self._admission.fits(latency_ms, instead_of=tenant.latency_ms):
            return False
        self._engine.change(tenant.lease, latency_ms=latency_ms)
        self._admission.remove(tenant.latency_ms)
        self._admission.add(latency_ms)
        tenant.latency_ms = latency_ms
        self.lanes.follow(owner)
        return True

    def _refuse(self, owner: Owner, item: UpdateStream, why: str, latency_ms: int | None = None) -> None:
        if item.starting:
            self.close(owner)
            self._tell(owner[0], StreamFailure(item.stream, codes.SERVER_FULL, why))
        else:
            asked_ms = None if latency_ms is None else item.settings.latency_ms
            self._tell(owner[0], UpdateRefused(item.stream, why, asked_ms, latency_ms))

    # --- who leaves --------------------------------------------------------------------------------------------------

    def close(self, owner: Owner) -> None:
        """The stream is dropped, if it is there."""
        tenant = self.leave(owner)
        if tenant is not None:
            self._engine.close(tenant.lease)
        if tenant is not None and tenant.second is not None:
            self._engine.close(tenant.second)

    def leave(self, owner: Owner) -> StreamEntry | None:
        """The stream is over, and its time is free; its leases have ended, or are to be closed."""
        tenant = self._tenants.remove(owner)
        if tenant is not None:
            if tenant.offline:
                self._offline -= 1
            else:
                self._admission.remove(tenant.latency_ms)
            self.lanes.forget(owner, had_one=tenant.second is not None)
        return tenant

    def fail(self, owner: Owner, error: Exception) -> None:
        """Drops one stream and says why."""
        from auricle_server.engine import NoSlot

        gateway, stream = owner
        if isinstance(error, NoSlot):
            self._tell(gateway, StreamFailure(stream, codes.SERVER_FULL, "every slot is taken; try again"))
            return
        log.error("stream failed gateway=%s stream=%d", gateway.hex(), stream, exc_info=error)
        self._tell(gateway, StreamFailure(stream, codes.INTERNAL, "the worker could not process the stream"))
        try:
            self.close(owner)
        except Exception:
            log.exception("lease could not be closed gateway=%s stream=%d", gateway.hex(), stream)
