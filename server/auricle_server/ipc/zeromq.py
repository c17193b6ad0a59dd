"""Gateways and workers as processes of their own, over ZeroMQ: a ROUTER at the worker, a DEALER at each gateway.

Meant for ``ipc://`` in a private folder, or TCP on the loopback: the link has no authentication of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid

import zmq
from zmq.utils.monitor import recv_monitor_message

from auricle_server.ipc.channel import ChannelLost
from auricle_server.ipc.messages import (
    DecodeError,
    FromWorker,
    ToWorker,
    decode_from_worker,
    decode_to_worker,
    encode,
)

log = logging.getLogger(__name__)

_RECONNECT_MS = 50
_LINGER_MS = 100


class ZeroMQGatewayChannel:
    """See `GatewayLink`. To be made on its event loop.

    The event loop watches ZeroMQ's descriptors without pyzmq's asyncio sockets between, which make several futures for
    each message: a message out and its answer back cost 110 microseconds so, and 180 with them.

    Args:
        endpoint: Where the worker binds. It need not be there yet.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.IDENTITY, uuid.uuid4().bytes)
        self._socket.set(zmq.IMMEDIATE, 1)  # a message waits here for a worker, not in the pipe of one that has died
        self._socket.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self._socket.set(zmq.SNDHWM, 0)  # what is in flight is bounded per stream, not per link
        self._socket.set(zmq.RCVHWM, 0)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        """Messages; None where the worker went."""
        self._writable = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._descriptors = self._socket.FD, self._monitor.FD
        for descriptor in self._descriptors:
            self._loop.add_reader(descriptor, self._look)
        self._socket.connect(endpoint)
        self._look()

    def _look(self) -> None:
        """Takes all there is. A descriptor tells of news once, whoever hears of them, so every call must look."""
        self._drain()
        while _events(self._monitor) & zmq.POLLIN:
            recv_monitor_message(self._monitor)
            self._drain()  # what a worker said before it went is heard before that
            self._inbox.put_nowait(None)
        if _events(self._socket) & zmq.POLLOUT:
            self._writable.set()

    def _drain(self) -> None:
        with contextlib.suppress(zmq.Again):
            while True:
                self._inbox.put_nowait(self._socket.recv(zmq.NOBLOCK))

    async def send(self, message: ToWorker) -> None:
        """See `GatewayLink`."""
        data = encode(message)
        while True:
            self._writable.clear()
            try:
                self._socket.send(data, zmq.NOBLOCK)
            except zmq.Again:
                self._look()
                await self._writable.wait()
            else:
                self._look()
                return

    async def receive(self) -> FromWorker:
        """See `GatewayLink`. What a worker said before it went is heard before `ChannelLost`."""
        data = await self._inbox.get()
        if data is None:
            raise ChannelLost("the worker has closed its socket")
        return decode_from_worker(data)

    async def close(self) -> None:
        """See `GatewayLink`."""
        for descriptor in self._descriptors:
            self._loop.remove_reader(descriptor)
        self._socket.disable_monitor()
        self._context.destroy(linger=_LINGER_MS)


def _events(socket: zmq.Socket[bytes]) -> int:
    """What the socket is ready for."""
    return int(socket.get(zmq.EVENTS))


class ZeroMQWorkerChannel:
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
                messages.append((gateway, decode_to_worker(data)))
            except DecodeError:
                log.exception("a gateway sent what is no message")
        return messages

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """See `WorkerLink`."""
        self._socket.send_multipart([gateway, encode(message)])

    def close(self) -> None:
        """See `WorkerLink`."""
        self._context.destroy(linger=0)
