"""The models of a server as a gateway sees them, and which of them a client gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from auricle.protocol.settings import brief
from auricle_server.gateway.errors import UnknownModel
from auricle_server.gateway.workers.worker_client import WorkerClient
from auricle_server.gateway.workers.worker_pool import Loading, WorkerPool
from auricle_server.ipc.channel import GatewayChannel
from auricle_server.ipc.loading_status import LoadingStatus
from auricle_server.model_info import ModelInfo
from auricle_server.telemetry.metrics import Metrics

BEAT_SECONDS = 1.0
"""How often workers get a sign of life, and idle streams, stalled clients and kept sessions are looked at."""


@dataclass(frozen=True, slots=True)
class ModelChannels:
    """How a gateway reaches the workers of one model.

    Attributes:
        channels: One to each worker.
        name: Of the model, where the operator has given it one.
        spares: As for `WorkerPool`.
        loading: As for `WorkerPool`.
    """

    channels: Sequence[GatewayChannel]
    name: str = ""
    spares: Sequence[GatewayChannel] = ()
    loading: Loading = list


class ModelPools:
    """The workers of all models.

    Args:
        models: The first one is that of clients that name none.
        metrics: Of the gateway.
        on_beat: Called once a second.

    Attributes:
        arrived: Set when a worker of each model has introduced itself.
        pools: One for each model, in the order of the configuration.
    """

    def __init__(self, models: Sequence[ModelChannels], metrics: Metrics, on_beat: Callable[[], None]) -> None:
        self.arrived = asyncio.Event()
        firsts = accumulate((len(each.channels) for each in models), initial=0)
        self.pools = [
            WorkerPool(each.channels, metrics, each.name, each.spares, each.loading, first)
            for each, first in zip(models, firsts, strict=False)
        ]
        self._metrics = metrics
        self._measured: set[str] = set()
        self._on_beat = on_beat

    @property
    def default(self) -> WorkerPool:
        """The model of clients that name none."""
        return self.pools[0]

    @property
    def ready(self) -> bool:
        """Whether every model takes streams."""
        return all(pool.ready for pool in self.pools)

    @property
    def full(self) -> bool:
        """Whether no model would take a stream, as far as this gateway knows."""
        return all(pool.full for pool in self.pools)

    @property
    def slots(self) -> int:
        """Streams that the workers can hold."""
        return sum(pool.slots for pool in self.pools)

    @property
    def info(self) -> ModelInfo | None:
        """The default model; None before its first worker has introduced itself."""
        return self.default.info

    @property
    def infos(self) -> list[ModelInfo]:
        """The models that have introduced themselves."""
        return [pool.info for pool in self.pools if pool.info is not None]

    @property
    def clients(self) -> list[WorkerClient]:
        """All workers."""
        return [client for pool in self.pools for client in pool.clients]

    def loading(self) -> list[LoadingStatus]:
        """What the workers are doing that are not ready yet."""
        return [status for pool in self.pools if not pool.ready for status in pool.loading()]

    def find(self, name: str | None) -> WorkerPool:
        """The model that a client chooses.

        Args:
            name: Of the model, or of its checkpoint; None, or nothing, takes the default.

        Raises:
            UnknownModel: There is none of this name.
        """
        found = self.default if not name else self._of(name)
        if found is None:
            served = ", ".join(pool.name for pool in self.pools) or "no model yet"
            raise UnknownModel(f"model: this server has {served}, not {brief(name)}")
        return found

    def find_tolerant(self, name: str | None, foreign: Sequence[str]) -> WorkerPool:
        """The model that a client of another server's wire format chooses, whose programs name models of that server.

        Args:
            name: As for `find`. A server with one model takes every name for it.
            foreign: Beginnings of the names of the other server's models, which stand for the default.

        Raises:
            UnknownModel: As `find`.
        """
        if name and self._of(name) is None and (len(self.pools) == 1 or name.lower().startswith(tuple(foreign))):
            return self.default
        return self.find(name)

    def _of(self, name: str) -> WorkerPool | None:
        named = (pool for pool in self.pools if pool.name == name)
        stored = (pool for pool in self.pools if pool.info is not None and pool.info.source == name)
        return next(named, None) or next(stored, None)

    async def run(self) -> None:
        """Keeps the channels going, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for pool in self.pools:
                tasks.create_task(pool.run())
            tasks.create_task(self._beat())
            tasks.create_task(self._note_arrival())

    async def _note_arrival(self) -> None:
        for pool in self.pools:
            await pool.arrived.wait()
        self.arrived.set()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for pool in self.pools:
                pool.on_beat()
            self.update_gauges()
            self._on_beat()

    def update_gauges(self) -> None:
        """Sets the gauges of capacity and load, of all models together and of each."""
        metrics = self._metrics
        metrics.slots.set(self.slots)
        metrics.slots_used.set(sum(pool.slots_used for pool in self.pools))
        metrics.capacity_streams.set(sum(pool.capacity for pool in self.pools))
        for pool in self.pools:
            pool.update_gauges()
            if pool.name:
                metrics.set_model(pool.name, pool.ready, pool.slots, pool.slots_used, pool.capacity)
        names = {pool.name for pool in self.pools if pool.name}
        for gone in self._measured - names:  # `auricle reload` has put another model in its place
            metrics.set_model(gone, False, 0, 0, 0)
        self._measured = names

    async def close(self) -> None:
        """Closes the channels."""
        for pool in self.pools:
            await pool.close()
