"""What gateways request, one stream at a time: opens, changes and ends streams."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from auricle.protocol import codes
from auricle_server.ipc.messages import (
    CAUGHT_UP,
    CloseStream,
    DecodeAgain,
    FlushSecondPass,
    FlushStream,
    GatewayItem,
    KeytermsPrepared,
    OpenStream,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
)
from auricle_server.worker.admission import Admission
from auricle_server.worker.gateway_messages import GatewayMessages
from auricle_server.worker.second_pass import SecondPasses
from auricle_server.worker.stream_table import StreamEntry, StreamKey, StreamTable

if TYPE_CHECKING:
    from auricle_server.engine import Engine
    from auricle_server.engine.key_terms.stream_terms import TermsOutcome

log = logging.getLogger(__name__)

MOST_OFFLINE = 16
"""Streams with background priority at once. More would not be faster, and each holds audio that waits. They may also
take at most half of the slots: the other half is for live streams."""

_NO_TIME = "the worker has no time for another stream of this latency; try again, or ask for a longer one"
_NO_OFFLINE = "the worker is busy with as many files as it takes at once; try again later"
_NO_REFINING = "the worker has no time for the second pass of another stream; try again, or do without"
_NO_SLOT = "the worker has no free slot; try again later"


class StreamAdmin:
    """Keeps slots, planned time and second passes of a worker's streams consistent.

    Args:
        engine: Computes the streams.
        table: The streams.
        admission: Says whether there is time.
        messages: Tells the gateways.

    Attributes:
        second_passes: The second passes.
    """

    def __init__(self, engine: Engine, table: StreamTable, admission: Admission, messages: GatewayMessages) -> None:
        self._engine = engine
        self._table = table
        self._admission = admission
        self._messages = messages
        self._offline = 0
        self.second_passes = SecondPasses(engine, table, admission, messages)

    @property
    def slots_used(self) -> int:
        """Slots that a new stream cannot get."""
        return len(self._table) + self.second_passes.guaranteed

    def apply(self, key: StreamKey, item: GatewayItem) -> None:
        """Executes a request. The caller passes what it raises to `fail`."""
        if isinstance(item, OpenStream):
            self._open(key, item)
            return
        entry = self._table.get(key)
        if entry is None:
            return  # the stream failed or ended while this was in transit
        match item:
            case FlushStream():
                self._flush(key, entry, item)
            case FlushSecondPass():
                if entry.second_lease is not None:
                    self._engine.flush(entry.second_lease, CAUGHT_UP)
            case DecodeAgain():
                for lease in entry.leases:
                    self._engine.decode_again(lease, item.since - self._table.start_sample(lease))
            case UpdateStream():
                self._update(key, entry, item)
            case CloseStream():
                self.close(key)

    def _open(self, key: StreamKey, item: OpenStream) -> None:
        gateway, stream = key
        if not self._admission.fits(item.latency_ms):
            self._messages.add(gateway, StreamFailure(stream, codes.SERVER_FULL, _NO_TIME))
            return
        # Where it frees none, `open` raises `NoSlot`, and `fail` tells the gateway.
        self.second_passes.free_slot()
        lease = self._engine.open(item.latency_ms, item.language)
        self._admission.add(item.latency_ms)
        gateway_lease = self._table.add(key, lease, item.latency_ms, item.language)
        self._messages.add(gateway, StreamOpened(stream, lease.slot, gateway_lease))
        self.second_passes.shed_load()

    def _flush(self, key: StreamKey, entry: StreamEntry, item: FlushStream) -> None:
        for lease in entry.leases:
            self._engine.flush(lease, item.mark, last=item.last)
        if item.last:
            self._table.stop_input(key)
            self.second_passes.guarantee_last_flush(key)

    # --- settings ----------------------------------------------------------------------------------------------------

    def _update(self, key: StreamKey, entry: StreamEntry, item: UpdateStream) -> None:
        settings = item.settings
        # First what takes no time of the worker and is never refused.
        if settings.language is not None:
            for lease in entry.leases:
                self._engine.change(lease, language=settings.language)
            entry.language = settings.language
        if settings.keyterms is not None:
            # A recording waits for its terms. A live stream goes on, and `report_key_terms` says when they are there.
            wait = settings.offline or entry.offline
            for lease in entry.leases:
                self._engine.change(lease, keyterms=settings.keyterms, wait=wait)
            entry.keyterms = settings.keyterms
        if settings.offline and not self._set_background(entry):
            self._refuse(key, item, _NO_OFFLINE)
        elif not self._change_latency(key, entry, settings.latency_ms or entry.latency_ms):
            self._refuse(key, item, _NO_TIME, entry.latency_ms)
        elif settings.refine is not None and not self.second_passes.set_mode(key, settings.refine):
            self._refuse(key, item, _NO_REFINING)

    def report_key_terms(self, outcomes: Iterable[TermsOutcome]) -> None:
        """Tells the gateways which key terms have come into force, or were refused for want of room."""
        for outcome in outcomes:
            key = self._table.key_of(outcome.lease)
            if key is not None:
                gateway, stream = key
                self._messages.add(gateway, KeytermsPrepared(stream, outcome.phrases, outcome.in_force))

    def _set_background(self, entry: StreamEntry) -> bool:
        """Gives a stream background priority and frees its planned time; False when too many streams have it."""
        if self._offline >= min(MOST_OFFLINE, max(1, self._engine.info.slots // 2)):
            return False
        latency_ms = max(self._engine.info.latencies_ms)
        self._engine.change(entry.lease, latency_ms=latency_ms)
        self._engine.set_background(entry.lease)
        self._admission.remove(entry.latency_ms)
        entry.latency_ms, entry.offline = latency_ms, True
        self._offline += 1
        return True

    def _change_latency(self, key: StreamKey, entry: StreamEntry, latency_ms: int) -> bool:
        """Changes the latency; False, and no change, when there is no time for it."""
        if latency_ms == entry.latency_ms:
            return True
        if not self._admission.fits(latency_ms, instead_of=entry.latency_ms):
            return False
        self._engine.change(entry.lease, latency_ms=latency_ms)
        self._admission.remove(entry.latency_ms)
        self._admission.add(latency_ms)
        entry.latency_ms = latency_ms
        self.second_passes.update(key)
        return True

    def _refuse(self, key: StreamKey, item: UpdateStream, why: str, latency_ms: int | None = None) -> None:
        gateway, stream = key
        if item.starting:
            self.close(key)
            self._messages.add(gateway, StreamFailure(stream, codes.SERVER_FULL, why))
        else:
            requested_ms = None if latency_ms is None else item.settings.latency_ms
            self._messages.add(gateway, UpdateRefused(stream, why, requested_ms, latency_ms))

    # --- ending streams ----------------------------------------------------------------------------------------------

    def close(self, key: StreamKey) -> None:
        """Drops a stream, if it is there."""
        entry = self.remove(key)
        if entry is not None:
            for lease in entry.leases:
                self._engine.close(lease)

    def remove(self, key: StreamKey) -> StreamEntry | None:
        """Removes a stream, if it is there, and frees its planned time. The engine's leases are the caller's to end."""
        entry = self._table.remove(key)
        if entry is not None:
            if entry.offline:
                self._offline -= 1
            else:
                self._admission.remove(entry.latency_ms)
            self.second_passes.forget(key, had_one=entry.second_lease is not None)
        return entry

    def fail(self, key: StreamKey, error: Exception) -> None:
        """Drops one stream and tells its gateway why."""
        from auricle_server.engine import NoSlot

        gateway, stream = key
        if isinstance(error, NoSlot):
            self._messages.add(gateway, StreamFailure(stream, codes.SERVER_FULL, _NO_SLOT))
            return
        log.error("stream failed gateway=%s stream=%d", gateway.hex(), stream, exc_info=error)
        self._messages.add(gateway, StreamFailure(stream, codes.INTERNAL, "the worker could not process the stream"))
        try:
            self.close(key)
        except Exception:
            log.exception("lease could not be closed gateway=%s stream=%d", gateway.hex(), stream)
