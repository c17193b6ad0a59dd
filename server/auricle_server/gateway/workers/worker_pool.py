"""The workers of one model, and which of them takes the next stream."""

from __future__ import annotations

import asyncio
from collections import Counter
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
        spares: One to each place where a worker's successor comes up when the model is loaded anew.
        loading: Says what the workers are doing that are not ready yet.
        first: Number of the first worker among those of all models.

    Attributes:
        arrived: Set when the first worker has introduced itself.
        clients: One for each worker, and for each successor that there may be.
        loading: As given.
        first: As given.
    """

    def __init__(
        self,
        channels: Sequence[GatewayChannel],
        metrics: Metrics,
        name: str = "",
        spares: Sequence[GatewayChannel] = (),
        loading: Loading = list,
        first: int = 0,
    ) -> None:
        self.arrived = asyncio.Event()
        self.clients = [WorkerClient(channel, metrics, self.arrived.set) for channel in (*channels, *spares)]
        self.loading = loading
        self.first = first
        self._places = len(channels)
        self._name = name
        self._generation = 0
        self._metrics = metrics

    @property
    def serving(self) -> list[WorkerClient]:
        """For each worker's place, the one that takes new streams, or the one that will."""
        # A successor counts when all have come: until then, and where it cannot be loaded, the old ones go on.
        arrived = Counter(client.generation for client in self.clients if client.ready)
        oldest = min(arrived, default=0)
        complete = [number for number, count in arrived.items() if count >= self._places or number == oldest]
        self._generation = max([self._generation, *complete])
        places = [self.clients[place :: self._places] for place in range(self._places)]
        return [max(place, key=self._rank) for place in places]

    def _rank(self, client: WorkerClient) -> tuple[bool, bool]:
        # An old worker that still ends its streams is better than none, while its successor restarts.
        return client.ready and client.generation <= self._generation, client.generation == self._generation

    @property
    def ready(self) -> bool:
        """Whether any worker takes streams."""
        return any(client.ready for client in self.serving)

    @property
    def slots(self) -> int:
        """Streams that the workers can hold."""
        return sum(client.info.slots for client in self.serving if client.info is not None)

    @property
    def full(self) -> bool:
        """Whether no worker would take a stream of the default latency, as far as this gateway knows."""
        return all(client.full for client in self.serving)

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
        return next((client.info for client in self.serving if client.info is not None), None)

    @property
    def slots_used(self) -> int:
        """Streams that the workers hold, those of workers that only end their streams included."""
        return sum(client.slots_used for client in self.clients)

    @property
    def capacity(self) -> int:
        """Streams of the default latency that the workers could hold in all."""
        return sum(client.capacity for client in self.serving)

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
        ready = sorted((client for client in self.serving if client.ready), key=lambda each: each.free, reverse=True)
        for client in ready:
            try:
                return await self._reserved(client, latency_ms)
            except Refusal as refusal:
                refusals.append(refusal)
        # "Full" holds only where every worker is: the slots of one that restarts are free in a moment.
        restarting = next((refusal for refusal in refusals if isinstance(refusal, NotReady)), None)
        if restarting is not None:
            return await self._reserve_of_successor(ready, restarting, latency_ms)
        if len(ready) < self._places:
            why = "a worker restarts, and the others have no slot or time" if ready else "no worker is ready"
            raise NotReady(f"{why}; try again in a moment")
        raise refusals[-1]

    async def _reserve_of_successor(
        self, asked: Sequence[WorkerClient], refusal: Refusal, latency_ms: int | None
    ) -> SlotLease:
        """A slot of a worker that has taken the place of one that went while it was asked.

        Raises:
            Refusal: As given, where there is none; or that worker's own.
        """
        for client in self.serving:
            if client.ready and client not in asked:
                return await self._reserved(client, latency_ms)
        raise refusal

    async def _reserved(self, client: WorkerClient, latency_ms: int | None) -> SlotLease:
        lease = await client.reserve(latency_ms)
        turn, place = divmod(self.clients.index(client), self._places)
        lease.worker = f"worker-{self.first + place}{'-next' if turn else ''}"
        return lease

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
        for place, client in enumerate(self.serving, self.first):
            stats = client.stats
            self._metrics.load.labels(str(place), "predicted").set(0.0 if stats is None else stats.load)
            self._metrics.load.labels(str(place), "measured").set(0.0 if stats is None else stats.busy)

    async def close(self) -> None:
        """Closes the channels."""
        for client in self.clients:
            await client.close()
