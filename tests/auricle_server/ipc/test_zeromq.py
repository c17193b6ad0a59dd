"""What only sockets can do: a worker is succeeded by another, and survives bytes that are no message."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from auricle_server.ipc import ChannelLost
from auricle_server.ipc.messages import (
    FromWorker,
    ToWorker,
)
from auricle_server.ipc.zeromq import ZeroMQGatewayChannel, ZeroMQWorkerChannel
from tests.auricle_server.ipc.test_channel import READY, audio, receive


async def test_a_successor_answers_over_the_same_link(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/w"
    gateway = ZeroMQGatewayChannel(endpoint)
    waiting = asyncio.create_task(gateway.send(audio(1)))
    for _ in range(2):
        worker = ZeroMQWorkerChannel(endpoint)
        await waiting
        [(identity, _)] = await receive(worker)
        worker.send(identity, FromWorker((READY,)))
        assert await gateway.receive() == FromWorker((READY,))
        worker.close()
        with pytest.raises(ChannelLost):
            await asyncio.wait_for(gateway.receive(), 5)
        waiting = asyncio.create_task(gateway.send(ToWorker(())))
    waiting.cancel()
    await gateway.close()


async def test_a_worker_survives_what_is_no_message(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/w"
    worker, gateway = ZeroMQWorkerChannel(endpoint), ZeroMQGatewayChannel(endpoint)
    await gateway.send(ToWorker())
    await receive(worker)
    gateway._socket.send(b"\xff\xff")
    await gateway.send(audio(1))
    assert [message for _, message in await receive(worker)] == [audio(1)]
    await gateway.close()
    worker.close()
