"""Gateways on an event loop and a worker in a thread of the same process: for tests, demos and `serve_locally`."""

from __future__ import annotations

import asyncio
import contextlib
import queue

from auricle_server.ipc.channel import ChannelLost
from auricle_server.ipc.messages import FromWorker, ToWorker


class InProcessChannel:
    """A channel without sockets. `worker` is the worker's end; each gateway has an end of its own."""

    def __init__(self) -> None:
        self.worker = InProcessWorkerChannel()

    def gateway(self) -> InProcessGatewayChannel:
        """A new gateway's end; to be called on its event loop."""
        return InProcessGatewayChannel(self.worker, asyncio.get_running_loop())


class InProcessGatewayChannel:
    """See `GatewayChannel`."""

    def __init__(self, worker: InProcessWorkerChannel, loop: asyncio.AbstractEventLoop) -> None:
        self._worker = worker
        self._loop = loop
        self._inbox: asyncio.Queue[FromWorker | None] = asyncio.Queue()
        self._identity = worker.join(self)

    def deliver(self, message: FromWorker | None) -> None:
        """Called on the worker's thread with a message, or with None when the worker stops."""
        # `asyncio.Queue` is not thread-safe; and `call_soon_threadsafe` raises once the loop is closed, which the
        # worker may outlive.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._inbox.put_nowait, message)

    async def send(self, message: ToWorker) -> None:
        """See `GatewayChannel`."""
        self._worker.inbox.put((self._identity, message))

    async def receive(self) -> FromWorker:
        """See `GatewayChannel`."""
        message = await self._inbox.get()
        if message is None:
            raise ChannelLost("the worker has stopped")
        return message

    async def close(self) -> None:
        """See `GatewayChannel`."""
        self._worker.gateways.pop(self._identity, None)


class InProcessWorkerChannel:
    """See `WorkerChannel`."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[tuple[bytes, ToWorker]] = queue.SimpleQueue()
        self.gateways: dict[bytes, InProcessGatewayChannel] = {}
        self._joined = 0

    def join(self, gateway: InProcessGatewayChannel) -> bytes:
        """Registers a gateway and returns its identity."""
        self._joined += 1
        identity = b"gateway-%d" % self._joined
        self.gateways[identity] = gateway
        return identity

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        """See `WorkerChannel`."""
        messages: list[tuple[bytes, ToWorker]] = []
        with contextlib.suppress(queue.Empty):
            messages.append(self.inbox.get(block=timeout > 0, timeout=timeout))
            while True:
                messages.append(self.inbox.get_nowait())
        return messages

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """See `WorkerChannel`."""
        if end := self.gateways.get(gateway):
            end.deliver(message)

    def close(self) -> None:
        """See `WorkerChannel`."""
        for gateway in list(self.gateways.values()):
            gateway.deliver(None)
