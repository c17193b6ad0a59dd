"""The two ends of a link. A gateway awaits; a worker blocks, because its thread belongs to the engine.

A gateway introduces itself with its first message, empty if need be. A worker answers the first message of a gateway
that it does not know with its `ModelInfo`: whoever gets one knows that the worker holds none of its streams.
"""

from __future__ import annotations

from typing import Protocol

from auricle_server.ipc.messages import FromWorker, ToWorker


class ChannelLost(Exception):
    """The worker at the other end has gone. The link stays: a successor answers over the same one."""


class GatewayChannel(Protocol):
    """A gateway's end of its link to one worker."""

    async def send(self, message: ToWorker) -> None:
        """Sends, waiting for a worker when none is connected."""
        ...

    async def receive(self) -> FromWorker:
        """The next message.

        Raises:
            LinkLost: Once each time a worker goes.
        """
        ...

    async def close(self) -> None:
        """Ends the link; what was not sent is dropped."""
        ...


class WorkerChannel(Protocol):
    """A worker's end of its links to all gateways. Every method belongs to the worker's thread."""

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        """All that has come, each with the identity of its gateway; waits up to `timeout` seconds for the first."""
        ...

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """Sends; what is meant for a gateway that has gone is dropped."""
        ...

    def close(self) -> None:
        """Ends the link."""
        ...
