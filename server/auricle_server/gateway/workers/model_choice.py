"""The slot of a stream, which moves to another model where the client names one in its first message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from auricle_server.gateway.errors import Refusal, UnknownModel
from auricle_server.gateway.workers.model_pools import ModelPools
from auricle_server.gateway.workers.slot_lease import SlotLease, StreamItem
from auricle_server.gateway.workers.worker_pool import WorkerPool

Reserve = Callable[[WorkerPool, int | None], Awaitable[SlotLease]]
"""Reserves a slot; or raises a `Refusal`."""


class ModelChoice:
    """What the clients of one wire format may choose from.

    Args:
        pools: The models.
        reserve: Reserves a slot of one.
        foreign: As for `ModelPools.find_tolerant`; None for the native protocol, which knows the server's names alone.
    """

    def __init__(self, pools: ModelPools, reserve: Reserve, foreign: Sequence[str] | None = None) -> None:
        self._pools = pools
        self._reserve = reserve
        self._foreign = foreign

    def find(self, name: str | None) -> WorkerPool:
        """The model that a client names.

        Raises:
            UnknownModel: There is none of this name.
        """
        if self._foreign is None:
            return self._pools.find(name)
        return self._pools.find_tolerant(name, self._foreign)

    async def reserve(self, name: str, latency_ms: int | None) -> SlotLease:
        """Reserves a slot of the model that a client names.

        Raises:
            Refusal: There is no such model, or no slot.
        """
        return await self._reserve(self.find(name), latency_ms)


class StreamSlot:
    """The slot of a stream, from before its connection until `release`.

    Args:
        lease: Of the model that the client's request names, or of the default.
        listener: Gets what the worker sends, see `SlotLease.listener`.

    Attributes:
        lease: The one in force.
        models: Those that the client may name in a message; None where it cannot, and every name stands for the one
            that the stream has.
        moving: Whether a slot of another model is being reserved.
    """

    def __init__(self, lease: SlotLease, listener: Callable[[StreamItem], None]) -> None:
        self.lease = lease
        self.models: ModelChoice | None = None
        self.moving = False
        self._listener = listener
        self._released = False
        self._move: asyncio.Task[None] | None = None
        lease.listener = listener

    def choose(self, name: str, latency_ms: int | None, done: Callable[[Refusal | None], None]) -> None:
        """Moves to a model, for a stream that has not begun.

        Args:
            name: Of the model.
            latency_ms: As for `WorkerPool.reserve`.
            done: Called when the stream has a slot of that model, at once where it had one; or with why not.
        """
        if self.models is None or self._has(self.models, name):
            done(None)
        else:
            self.moving = True
            self._move = asyncio.create_task(self._reserve(self.models, name, latency_ms, done))

    def _has(self, models: ModelChoice, name: str) -> bool:
        try:
            return models.find(name).name == self.lease.info.name
        except UnknownModel:
            return False  # `_reserve` tells the client

    async def _reserve(
        self, models: ModelChoice, name: str, latency_ms: int | None, done: Callable[[Refusal | None], None]
    ) -> None:
        refused: Refusal | None = None
        try:
            lease = await models.reserve(name, latency_ms)
        except Refusal as refusal:
            refused = refusal
        else:
            if self._released:
                lease.release()  # the client has gone meanwhile
                return
            self.lease.release()
            self.lease, lease.listener = lease, self._listener
        self.moving = False
        done(refused)

    def release(self) -> None:
        """Gives the slot back; may be called twice."""
        self._released = True
        self.lease.release()
