"""Gateways and workers as processes of their own, over ZeroMQ: a ROUTER at the worker, a DEALER at each gateway.

For ``ipc://`` in a private folder, or TCP on the loopback: the channel has no authentication of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from pathlib import Path

import msgspec
import zmq
from zmq.utils.monitor import recv_monitor_message

from auricle_server.ipc.channel import ChannelLost
from auricle_server.ipc.messages import FromWorker, ToWorker

log = logging.getLogger(__name__)

_RECONNECT_MS = 50
_LONGEST_RECONNECT_MS = 400
"""Pause between two looks for a worker that does not come: it may be one that a reload starts some day."""
_LINGER_MS = 100
_IPC = "ipc://"
_LOOK_SECONDS = 1.0
"""Pause between two looks at whether the worker's socket is still in its folder."""


class ZeroMQGatewayChannel:
    """See `GatewayChannel`. To be made on its event loop.

    The event loop watches ZeroMQ's descriptors itself. pyzmq's asyncio sockets make several futures for each message: a
    message and its answer cost 180 microseconds with them, and 110 without.

    Args:
        endpoint: Where the worker binds, now or later.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        # New for each channel: to the worker a restarted gateway is another one, and the old one's streams are dropped
        # after a silence.
        self._socket.set(zmq.IDENTITY, uuid.uuid4().bytes)
        self._socket.set(zmq.IMMEDIATE, 1)  # queue here while no worker is connected, not in a dead worker's pipe
        self._socket.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self._socket.set(zmq.RECONNECT_IVL_MAX, _LONGEST_RECONNECT_MS)
        self._socket.set(zmq.SNDHWM, 0)  # what is in flight is bounded per stream, not per channel
        self._socket.set(zmq.RCVHWM, 0)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        """Messages in order, and None where a worker stopped."""
        self._connected = False
        self._writable = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._descriptors = self._socket.FD, self._monitor.FD
        for descriptor in self._descriptors:
            self._loop.add_reader(descriptor, self._read_all)
        self._socket.connect(endpoint)
        self._read_all()

    def _read_all(self) -> None:
        """Reads everything that is there.

        ZeroMQ's descriptor is edge-triggered: it signals a change of state once, so every call must read everything
        (the documentation of `ZMQ_FD` in zmq_getsockopt).
        """
        self._drain()
        while _events(self._monitor) & zmq.POLLIN:
            self._note(recv_monitor_message(self._monitor)["event"])
        # In this order: the end of a worker's pipe is among the commands that reading the events carries out.
        if self._connected and not self._writable.is_set() and _events(self._socket) & zmq.POLLOUT:
            self._writable.set()

    def _note(self, event: int) -> None:
        """Notes that a worker has come or gone.

        ZeroMQ tells that a worker has gone before it takes the pipe to it away. What is sent between the two goes
        nowhere, so nothing is sent until the next worker has come.
        """
        gone = event == zmq.EVENT_DISCONNECTED
        if gone and self._connected:  # else a worker went that had not come: it stopped during the handshake
            self._drain()  # messages of a worker come before its end
            self._inbox.put_nowait(None)
        self._connected = not gone

    def _drain(self) -> None:
        # Asked first: to be refused costs several times as much, and mostly nothing is there after a message is sent.
        while _events(self._socket) & zmq.POLLIN:
            self._inbox.put_nowait(self._socket.recv(zmq.NOBLOCK))

    async def send(self, message: ToWorker) -> None:
        """See `GatewayChannel`."""
        data = encode(message)
        while not (self._connected and self._sent(data)):
            self._writable.clear()
            self._read_all()
            await self._writable.wait()
        # Sending handles ZeroMQ's pending commands and may consume the descriptor's edge: what has come by then is read
        # now, or it would wait for the next edge. The monitor's descriptor has an edge of its own.
        self._drain()

    def _sent(self, data: bytes) -> bool:
        """Whether ZeroMQ has taken the message."""
        try:
            self._socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    async def receive(self) -> FromWorker:
        """See `GatewayChannel`. All messages of a worker come before `ChannelLost`."""
        data = await self._inbox.get()
        if data is None:
            raise ChannelLost("the worker has closed its socket")
        return decode_from_worker(data)

    async def close(self) -> None:
        """See `GatewayChannel`."""
        for descriptor in self._descriptors:
            self._loop.remove_reader(descriptor)
        self._socket.disable_monitor()
        self._context.destroy(linger=_LINGER_MS)


def _events(socket: zmq.Socket[bytes]) -> int:
    """The events that the socket is ready for."""
    return int(socket.getsockopt(zmq.EVENTS))


class ZeroMQWorkerChannel:
    """See `WorkerChannel`.

    Args:
        endpoint: Where to bind.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        # A gateway that reconnects keeps its identity; without this a ROUTER refuses it until it has noticed the old
        # end.
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        # A ROUTER drops messages at its high-water mark, and a dropped result is a lost word.
        self._socket.set(zmq.SNDHWM, 0)
        self._socket.set(zmq.RCVHWM, 0)
        self._endpoint = endpoint
        self._path = Path(endpoint.removeprefix(_IPC)) if endpoint.startswith(_IPC) else None
        self._look_due = 0.0
        self._socket.bind(endpoint)

    def _stay_bound(self) -> None:
        """Binds again where something has deleted the socket, such as a job that empties the temp directory.

        Connections outlive that; a gateway that starts anew would not find the worker.
        """
        now = time.monotonic()
        if self._path is None or now < self._look_due:
            return
        self._look_due = now + _LOOK_SECONDS
        if self._path.exists():
            return
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            # Beside the old one: `unbind` would end the connections that came in there.
            self._socket.bind(self._endpoint)
            log.warning("the socket was deleted and is bound again path=%s", self._path)
        except (OSError, zmq.ZMQError) as error:
            log.error("gateways that start cannot find this worker path=%s: %s", self._path, error)

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        """See `WorkerChannel`."""
        self._stay_bound()
        messages: list[tuple[bytes, ToWorker]] = []
        # Waits for the first message only and takes what else is there, so that one step serves all of it.
        while self._socket.poll(0 if messages else round(timeout * 1000)):
            gateway, data = self._socket.recv_multipart()
            try:
                messages.append((gateway, decode_to_worker(data)))
            except msgspec.DecodeError:
                log.exception("a gateway has sent bytes that are no message")
        return messages

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """See `WorkerChannel`."""
        # Without ROUTER_MANDATORY a message for an identity that has gone is dropped in silence, as `WorkerChannel`
        # says.
        self._socket.send_multipart([gateway, encode(message)])

    def close(self) -> None:
        """See `WorkerChannel`."""
        self._context.destroy(linger=0)


# --- messages as bytes ----------------------------------------------------------------------------------------------

_encoder = msgspec.msgpack.Encoder()
_to_worker = msgspec.msgpack.Decoder(ToWorker)
_from_worker = msgspec.msgpack.Decoder(FromWorker)


def encode(message: ToWorker | FromWorker) -> bytes:
    """A message as MessagePack."""
    return _encoder.encode(message)


def decode_to_worker(data: bytes) -> ToWorker:
    """What a gateway has sent.

    Raises:
        msgspec.DecodeError: The bytes are no such message.
    """
    return _to_worker.decode(data)


def decode_from_worker(data: bytes) -> FromWorker:
    """What a worker has sent.

    Raises:
        msgspec.DecodeError: The bytes are no such message.
    """
    return _from_worker.decode(data)
