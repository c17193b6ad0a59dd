"""The workers of a gateway, and which of them takes the next stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from auricle_server.gateway.errors import NotReady, ServerFull
from auricle_server.gateway.peer import Seat, WorkerPeer
from auricle_server.link.base import GatewayLink
from auricle_server.metrics import Metrics

BEAT_SECONDS = 1.0


class Hub:
    """Routes streams to workers.

    Args:
        links: One to each worker.
        metrics: Of the gateway.
        on_beat: Called once a second.

    Attributes:
        arrived: Set when the first worker has introduced itself.
    """

    def __init__(self, links: Sequence[GatewayLink], metrics: Metrics, on_beat: Callable[[], None]) -> None:
        self.arrived = asyncio.Event()
        self.peers = [WorkerPeer(link, metrics, self.arrived.set) for link in links]
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
    def model(self) -> str | None:
        """Name of the model; None while no worker is there."""
        return next((peer.info.name for peer in self.peers if peer.info is not None), None)

    async def reserve(self) -> Seat:
        """Takes a slot of the worker that has most of them free.

        Raises:
            ServerFull: None has any.
            NotReady: None is there.
        """
        ready = sorted((peer for peer in self.peers if peer.ready), key=lambda peer: peer.free, reverse=True)
        if not ready:
            raise NotReady("no worker is ready")
        for peer in ready[:-1]:
            try:
                return await peer.reserve()
            except (ServerFull, NotReady):
                continue
        return await ready[-1].reserve()

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
            self._metrics.slots.set(self.slots)
            self._metrics.slots_used.set(sum(peer.slots_used for peer in self.peers))
            self._on_beat()

    async def close(self) -> None:
        """Ends the links."""
        for peer in self.peers:
            await peer.close()
