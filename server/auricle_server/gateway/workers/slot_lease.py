"""A stream's hold on a slot of a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    FlushSecondPass,
    FlushStream,
    GatewayItem,
    SecondPassChanged,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
)
from auricle_server.model_info import ModelInfo

News = ChunkResult | StreamFailure | UpdateRefused | SecondPassChanged
Listener = Callable[[News], None]


def _ignore(_: News) -> None:
    """The listener of a seat that nobody sits in yet."""


class LeaseOwner(Protocol):
    """Who has given the seat out; see `auricle_server.gateway.workers.worker_client.WorkerPeer`."""

    def hear(self, stream: int, slot: int, lease: int, pcm: bytes) -> None:
        """Audio for the worker."""
        ...

    def put(self, item: GatewayItem, *, urgent: bool = False) -> None:
        """Anything else for the worker."""
        ...

    def release(self, number: int) -> None:
        """The seat is free."""
        ...


class SlotLease:
    """A stream's hold on a slot of a worker, from before the WebSocket upgrade until `leave`.

    Attributes:
        number: Of the stream on this gateway, never used twice.
        info: The model behind it.
        latency_ms: What it was taken for.
        listener: Called with what the worker finds.
    """

    def __init__(self, peer: LeaseOwner, info: ModelInfo, latency_ms: int, opened: StreamOpened) -> None:
        self._peer = peer
        self._slot, self._lease = opened.slot, opened.lease
        self.number = opened.stream
        self.info = info
        self.latency_ms = latency_ms
        self.listener: Listener = _ignore

    def audio(self, pcm: bytes) -> None:
        """16 kHz mono PCM for the worker."""
        self._peer.hear(self.number, self._slot, self._lease, pcm)

    def change(self, change: SettingsUpdate, *, starting: bool = False) -> None:
        """Settings from the next chunk on; see `UpdateStream`."""
        if change != SettingsUpdate():
            self._peer.put(UpdateStream(self.number, change, starting))

    def flush(self, mark: int, *, last: bool = False) -> None:
        """See `FlushStream`."""
        self._peer.put(FlushStream(self.number, mark, last), urgent=True)

    def flush_second(self) -> None:
        """See `FlushSecondPass`."""
        self._peer.put(FlushSecondPass(self.number), urgent=True)

    def leave(self) -> None:
        """Gives the slot back, unless the stream is over; may be called twice."""
        self._peer.release(self.number)
