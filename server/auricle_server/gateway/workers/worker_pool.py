"""The workers of a gateway, and which of them takes the next stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from auricle_server.gateway.http.errors import AtCapacity, NotReady
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.gateway.workers.worker_client import WorkerClient
from auricle_server.ipc.channel import GatewayChannel
from auricle_server.metrics import Metrics

BEAT_SECONDS = 1.0


class WorkerPool:
    """Routes streams to workers.

    Args:
        links: One to each worker.
        metrics: Of the gateway.
        on_beat: Called once a second.

    Attributes:
        arrived: Set when the first worker has introduced itself.
    """

    def __init__(self, links: Sequence[GatewayChannel], metrics: Metrics, on_beat: Callable[[], None]) -> None:
        self.arrived = asyncio.Event()
        self.peers = [WorkerClient(link, metrics, self.arrived.set) for link in links]
        self._metrics = metrics
        self._on_beat = on_beat

    @property
    def ready(self) -> bool:
        """Whether any worker takes streams."""
        return any(peer.ready for peer in self.peers)

    @property
    def slots(self) -> int:
        """Streams that the workers can hold."""
        return sum(peer.info.slots for peer in self.peers if peer.info is not None)

    @property
    def full(self) -> bool:
        """Whether no worker would take a stream of the default latency, as far as is known here."""
        return all(peer.full for peer in self.peers)

    @property
    def model(self) -> str | None:
        """Name of the model; None while no worker is there."""
        return next((peer.info.name for peer in self.peers if peer.info is not None), None)

    async def reserve(self, latency_ms: int | None = None) -> SlotLease:
        """Takes a slot of the worker that has most of them free.

        Args:
            latency_ms: See `WorkerClient.reserve`.

        Raises:
            ServerFull: None has any, or none has time.
            NotReady: None is there.
        """
        ready = sorted((peer for peer in self.peers if peer.ready), key=lambda peer: peer.free, reverse=True)
        if not ready:
            raise NotReady("no worker is ready")
        for peer in ready[:-1]:
            try:
                return await peer.reserve(latency_ms)
            except (AtCapacity, NotReady):
                continue
        return await ready[-1].reserve(latency_ms)

    async def run(self) -> None:
        """Keeps the links going, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for peer in self.peers:
                tasks.create_task(peer.pump())
                tasks.create_task(peer.listen())
            tasks.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for peer in self.peers:
                peer.beat()
            self.show()
            self._on_beat()

    def show(self) -> None:
        """Brings the gauges up to date."""
        metrics = self._metrics
        metrics.slots.set(self.slots)
        metrics.slots_used.set(sum(peer.slots_used for peer in self.peers))
        metrics.capacity_streams.set(sum(peer.capacity for peer in self.peers))
        for index, peer in enumerate(self.peers):
            stats = peer.stats
            metrics.load.labels(str(index), "predicted").set(0.0 if stats is None else stats.load)
            metrics.load.labels(str(index), "measured").set(0.0 if stats is None else stats.busy)

    async def close(self) -> None:
        """Ends the links."""
        for peer in self.peers:
            await peer.close()
