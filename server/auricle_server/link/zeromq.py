"""Gateways and workers as processes of their own, over ZeroMQ: a ROUTER at the worker, a DEALER at each gateway.

Meant for ``ipc://`` in a private folder, or TCP on the loopback: the link has no authentication of its own.
"""

from __future__ import annotations

import logging
import uuid

import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from auricle_server.link import codec
from auricle_server.link.base import LinkLost
from auricle_server.link.messages import FromWorker, ToWorker

log = logging.getLogger(__name__)

_RECONNECT_MS = 50
_LINGER_MS = 100


class ZeroMQGatewayLink:
    """See `GatewayLink`.

    Args:
        endpoint: Where the worker binds. It need not be there yet.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.IDENTITY, uuid.uuid4().bytes)
        self._socket.set(zmq.IMMEDIATE, 1)  # a message waits here for a worker, not in the pipe of one that has died
        self._socket.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self._socket.set(zmq.SNDHWM, 0)  # what is in flight is bounded per stream, not per link
        self._socket.set(zmq.RCVHWM, 0)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._socket.connect(endpoint)
        self._poller = zmq.asyncio.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)

    async def send(self, message: ToWorker) -> None:
        """See `GatewayLink`."""
        await self._socket.send(codec.encode(message))

    async def receive(self) -> FromWorker:
        """See `GatewayLink`. What a worker said before it went is heard before `LinkLost`."""
        while True:
            ready = dict(await self._poller.poll())
            if self._socket in ready:
                return codec.decode_from_worker(await self._socket.recv())
            if self._monitor in ready:
                await recv_monitor_message(self._monitor)
                raise LinkLost("the worker has closed its socket")

    async def close(self) -> None:
        """See `GatewayLink`."""
        self._socket.disable_monitor()
        self._context.destroy(linger=_LINGER_MS)


class ZeroMQWorkerLink:
    """See `WorkerLink`.

    Args:
        endpoint: Where to bind.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        self._socket.set(zmq.SNDHWM, 0)  # a ROUTER drops at its mark, and a dropped result is a lost word
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.bind(endpoint)

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        """See `WorkerLink`."""
        messages: list[tuple[bytes, ToWorker]] = []
        while self._socket.poll(0 if messages else round(timeout * 1000)):
            gateway, data = self._socket.recv_multipart()
            try:
                messages.append((gateway, codec.decode_to_worker(data)))
            except codec.DecodeError:
                log.exception("a gateway sent what is no message")
        return messages

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """See `WorkerLink`."""
        self._socket.send_multipart([gateway, codec.encode(message)])

    def close(self) -> None:
        """See `WorkerLink`."""
        self._context.destroy(linger=0)
