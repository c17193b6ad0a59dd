"""The two ends of a channel. A gateway awaits; a worker blocks, because its thread belongs to the engine.

A gateway introduces itself with its first message, which may be empty. A worker answers the first message of a gateway
that it does not know with `WorkerReady`, which tells the gateway that the worker holds none of its streams.
"""

from __future__ import annotations

from typing import Protocol

from auricle_server.ipc.messages import FromWorker, ToWorker


class ChannelLost(Exception):
    """The worker at the other end has stopped. The channel stays open: the next worker answers over it."""


class GatewayChannel(Protocol):
    """A gateway's end of its channel to one worker."""

    async def send(self, message: ToWorker) -> None:
        """Sends a message, and waits for a worker when none is connected."""
        ...

    async def receive(self) -> FromWorker:
        """The next message.

        Raises:
            ChannelLost: Once each time a worker stops.
        """
        ...

    async def close(self) -> None:
        """Closes the channel; what was not sent is dropped."""
        ...


class WorkerChannel(Protocol):
    """A worker's end of its channels to all gateways. Its methods are called on the worker's thread only."""

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        """All messages that have come, each with the identity of its gateway; waits up to `timeout` seconds for one."""
        ...

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """Sends a message; one for a gateway that has stopped is dropped."""
        ...

    def close(self) -> None:
        """Closes the channel."""
        ...
