"""A gateway's end of a channel without a worker: messages are read and written by the test."""

from __future__ import annotations

import asyncio

from auricle_server.ipc.channel import ChannelLost
from auricle_server.ipc.messages import FromWorker, GatewayItem, ToWorker, WorkerItem, WorkerReady
from auricle_server.model_info import ModelInfo
from tests.auricle_server.gateway.leases import INFO


class FakeChannel:
    """See `GatewayChannel`.

    Attributes:
        sent: All messages of the gateway.
        closed: Whether it was closed.
    """

    def __init__(self) -> None:
        self.sent: list[ToWorker] = []
        self.closed = False
        self._inbox: asyncio.Queue[FromWorker | None] = asyncio.Queue()

    async def send(self, message: ToWorker) -> None:
        self.sent.append(message)

    async def receive(self) -> FromWorker:
        message = await self._inbox.get()
        if message is None:
            raise ChannelLost("the worker has stopped")
        return message

    async def close(self) -> None:
        self.closed = True

    # --- the worker's side -------------------------------------------------------------------------------------------

    def reply(self, *items: WorkerItem) -> None:
        self._inbox.put_nowait(FromWorker(items))

    def reply_message(self, message: FromWorker) -> None:
        self._inbox.put_nowait(message)

    def join(self, info: ModelInfo = INFO, generation: int = 0) -> None:
        self.reply(WorkerReady(info, generation))

    def lose(self) -> None:
        self._inbox.put_nowait(None)

    @property
    def items(self) -> list[GatewayItem]:
        """All items of the gateway."""
        return [item for message in self.sent for part in message.parts for item in part.items]

    @property
    def audio(self) -> bytes:
        """All audio of the gateway."""
        return b"".join(part.audio.pcm for message in self.sent for part in message.parts)
