"""The workers of one model, and which of them takes the next stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from auricle_server.gateway.errors import NotReady, Refusal
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.gateway.workers.worker_client import WorkerClient
from auricle_server.ipc.channel import GatewayChannel
from auricle_server.ipc.loading_status import LoadingStatus
from auricle_server.model_info import ModelInfo
from auricle_server.telemetry.metrics import Metrics

Loading = Callable[[], list[LoadingStatus]]
"""Says what workers are doing that are not ready yet."""


class WorkerPool:
    """Routes the streams of a model to its workers.

    Args:
        channels: One to each worker.
        metrics: Of the gateway.
        name: Of the model, where the operator has given it one.
        loading: Says what the workers are doing that are not ready yet.
        first: Number of the first worker among those of all models.

    Attributes:
        arrived: Set when the first worker has introduced itself.
        clients: One for each worker.
        loading: As given.
        first: As given.
    """

    def __init__(
        self,
        channels: Sequence[GatewayChannel],
        metrics: Metrics,
        name: str = "",
        loading: Loading = list,
        first: int = 0,
    ) -> None:
        self.arrived = asyncio.Event()
        self.clients = [WorkerClient(channel, metrics, self.arrived.set) for channel in channels]
        self.loading = loading
        self.first = first
        self._name = name
        self._metrics = metrics

    @property
    def ready(self) -> bool:
        """Whether any worker takes streams."""
        return any(client.ready for client in self.clients)

    @property
    def slots(self) -> int:
        """Streams that the workers can hold."""
        return sum(client.info.slots for client in self.clients if client.info is not None)

    @property
    def full(self) -> bool:
        """Whether no worker would take a stream of the default latency, as far as this gateway knows."""
        return all(client.full for client in self.clients)

    @property
    def model(self) -> str | None:
        """Name of the model; None while no worker is connected."""
        return None if self.info is None else self.info.name

    @property
    def name(self) -> str:
        """Name of the model, as the operator has given it or as the first worker has said; empty before that."""
        return self._name or self.model or ""

    @property
    def info(self) -> ModelInfo | None:
        """What the workers serve; None before the first one has introduced itself."""
        return next((client.info for client in self.clients if client.info is not None), None)

    @property
    def slots_used(self) -> int:
        """Streams that the workers hold."""
        return sum(client.slots_used for client in self.clients)

    @property
    def capacity(self) -> int:
        """Streams of the default latency that the workers could hold in all."""
        return sum(client.capacity for client in self.clients)

    async def reserve(self, latency_ms: int | None = None) -> SlotLease:
        """Reserves a slot of the worker with the most free ones; when it refuses, of the next.

        What a gateway knows of a worker is up to a second old, and other gateways reserve slots there as well, so a
        worker may refuse although it seemed to have a slot.

        Args:
            latency_ms: See `WorkerClient.reserve`.

        Raises:
            AtCapacity: No worker has a free slot, or none has time.
            NotReady: A worker that might take the stream is not connected.
            Refusal: The workers failed on the request.
        """
        refusals: list[Refusal] = []
        ready = sorted((client for client in self.clients if client.ready), key=lambda each: each.free, reverse=True)
        for client in ready:
            try:
                lease = await client.reserve(latency_ms)
                lease.worker = f"worker-{self.first + self.clients.index(client)}"
                return lease
            except Refusal as refusal:
                refusals.append(refusal)
        # "Full" holds only where every worker is: the slots of one that restarts are free in a moment.
        restarting = next((refusal for refusal in refusals if isinstance(refusal, NotReady)), None)
        if restarting is not None:
            raise restarting
        if len(ready) < len(self.clients):
            why = "a worker restarts, and the others have no slot or time" if ready else "no worker is ready"
            raise NotReady(f"{why}; try again in a moment")
        raise refusals[-1]

    async def run(self) -> None:
        """Keeps the channels going, for ever."""
        # A channel that breaks ends the group, and with it the process, which the supervisor starts anew.
        async with asyncio.TaskGroup() as tasks:
            for client in self.clients:
                tasks.create_task(client.writer.run())
                tasks.create_task(client.run_reader())

    def on_beat(self) -> None:
        """Once a second: see `WorkerClient.on_beat`."""
        for client in self.clients:
            client.on_beat()

    def update_gauges(self) -> None:
        """Sets the gauges of the workers' load."""
        for place, client in enumerate(self.clients, self.first):
            stats = client.stats
            self._metrics.load.labels(str(place), "predicted").set(0.0 if stats is None else stats.load)
            self._metrics.load.labels(str(place), "measured").set(0.0 if stats is None else stats.busy)

    async def close(self) -> None:
        """Closes the channels."""
        for client in self.clients:
            await client.close()
