"""Second passes: the same audio once more at the model's longest latency, for more accurate finals.

A stream that wants a second pass "on" gets it or is refused, like a stream. With "auto" it gets one while there is
spare time, and loses it, the newest first, as soon as a stream needs its slot or all together need more time than there
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auricle_server.ipc.messages import SecondPassChanged
from auricle_server.worker.admission import Admission
from auricle_server.worker.gateway_messages import GatewayMessages
from auricle_server.worker.stream_table import StreamEntry, StreamKey, StreamTable

if TYPE_CHECKING:
    from auricle_server.engine import Engine


class SecondPasses:
    """The second passes of a worker's streams.

    Args:
        engine: Computes them.
        table: The worker's streams.
        admission: Says whether there is time for them.
        messages: Tells the gateways.
    """

    def __init__(self, engine: Engine, table: StreamTable, admission: Admission, messages: GatewayMessages) -> None:
        self._engine = engine
        self._table = table
        self._admission = admission
        self._messages = messages
        self._latency_ms = max(engine.info.latencies_ms)
        self._chunk_frames = round(self._latency_ms / 1000 / engine.info.frame_seconds)
        # Dicts as ordered sets: the newest and the oldest are found without a search.
        self._spare: dict[StreamKey, None] = {}
        """Streams whose second pass may be closed, the newest last."""
        self._waiting: dict[StreamKey, None] = {}
        """Streams that get a second pass when there is time, the longest waiting first."""

    @property
    def guaranteed(self) -> int:
        """Second passes that are not closed for others."""
        return self._table.second_passes - len(self._spare)

    def set_mode(self, key: StreamKey, refine: str) -> bool:
        """Sets whether a stream wants a second pass; False, and no change, when it cannot be guaranteed."""
        entry = self._entry(key)
        if refine == "on" and entry.latency_ms != self._latency_ms and not self._can_guarantee(key, entry):
            return False
        entry.refine = refine
        self.update(key)
        return True

    def _can_guarantee(self, key: StreamKey, entry: StreamEntry) -> bool:
        """Whether the stream can have a guaranteed second pass, or has one. May close another stream's."""
        if self._is_guaranteed(key, entry):
            return True
        return self._admission.fits(self._latency_ms) and (entry.second_lease is not None or self.free_slot())

    def update(self, key: StreamKey) -> None:
        """Opens, keeps or closes a second pass by the stream's settings.

        A stream of the longest latency needs none. When such a stream changes to a shorter latency and wants a
        guaranteed one for which there is no time, it gets one while there is spare time.
        """
        entry = self._entry(key)
        self._waiting.pop(key, None)
        if entry.refine == "off" or entry.latency_ms == self._latency_ms:
            self._close(key)
        elif entry.refine == "on" and self._can_guarantee(key, entry):
            self._ensure(key, entry, guaranteed=True)
        elif entry.second_lease is not None or self._has_spare_time():
            self._ensure(key, entry, guaranteed=False)
        else:
            self._waiting[key] = None
        self.shed_load()

    def _ensure(self, key: StreamKey, entry: StreamEntry, *, guaranteed: bool) -> None:
        """Opens a second pass, or changes whether the existing one is guaranteed."""
        if entry.second_lease is None:
            self._open(key, entry, guaranteed=guaranteed)
        elif guaranteed != self._is_guaranteed(key, entry):
            self._admission.remove(self._latency_ms, spare=guaranteed)
            self._admission.add(self._latency_ms, spare=not guaranteed)
            if guaranteed:
                del self._spare[key]
            else:
                self._spare[key] = None

    def _entry(self, key: StreamKey) -> StreamEntry:
        entry = self._table.get(key)
        assert entry is not None, "looked up before"
        return entry

    def _is_guaranteed(self, key: StreamKey, entry: StreamEntry) -> bool:
        return entry.second_lease is not None and key not in self._spare

    def _open(self, key: StreamKey, entry: StreamEntry, *, guaranteed: bool) -> None:
        lease = self._engine.open(self._latency_ms, entry.language, entry.keyterms, wait=False)
        base, silence = self._table.add_second_pass(key, lease, self._chunk_frames)
        self._admission.add(self._latency_ms, spare=not guaranteed)
        if not guaranteed:
            self._spare[key] = None
        # Puts its chunks on the grid of a second pass from the stream's beginning: see `StreamTable.add_second_pass`.
        if silence:
            self._engine.push(lease, np.zeros(silence, np.int16))
        gateway, stream = key
        self._messages.add(gateway, SecondPassChanged(stream, active=True, base=base))

    def _close(self, key: StreamKey) -> None:
        lease = self._table.remove_second_pass(key)
        if lease is not None:
            self.forget(key, had_one=True)
            self._engine.close(lease)
            gateway, stream = key
            self._messages.add(gateway, SecondPassChanged(stream, active=False))

    def forget(self, key: StreamKey, *, had_one: bool) -> None:
        """Gives up the time of a second pass, and any claim to one, of a stream that has ended or lost it."""
        self._waiting.pop(key, None)
        if had_one:
            self._admission.remove(self._latency_ms, spare=key in self._spare)
            self._spare.pop(key, None)

    def guarantee_last_flush(self, key: StreamKey) -> None:
        """Keeps the second pass of a stream that ends until it has answered, and opens none."""
        self._waiting.pop(key, None)
        if key in self._spare:
            self._ensure(key, self._entry(key), guaranteed=True)

    # --- under changing load -----------------------------------------------------------------------------------------

    def free_slot(self) -> bool:
        """Whether a slot is free; closes the newest spare second pass for it when needed."""
        if self._engine.slots_used >= self._engine.info.slots and self._spare:
            self._close_newest()
        return self._engine.slots_used < self._engine.info.slots

    def shed_load(self) -> None:
        """Closes spare second passes until the other streams have their time."""
        while self._spare and self._admission.overloaded:
            self._close_newest()

    def _close_newest(self) -> None:
        key = next(reversed(self._spare))
        self._close(key)
        self._waiting[key] = None

    def rebalance(self) -> None:
        """Once a second: closes second passes while time is short, opens more while there is spare time."""
        self.shed_load()
        while self._waiting and self._has_spare_time():
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._open(key, self._entry(key), guaranteed=False)

    def _has_spare_time(self) -> bool:
        free = self._engine.slots_used < self._engine.info.slots
        return free and self._admission.has_spare_time(self._latency_ms)
