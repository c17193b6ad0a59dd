"""What only sockets can do: a worker is succeeded by another, and survives bytes that are no message."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import zmq

from auricle_server.ipc import ChannelLost, zeromq
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


async def test_nothing_is_sent_to_a_worker_that_has_gone_while_its_pipe_is_still_there(tmp_path: Path) -> None:
    # ZeroMQ's thread tells of the end first and takes the pipe away later. What was sent in between was lost.
    endpoint = f"ipc://{tmp_path}/w"
    gateway, worker = ZeroMQGatewayChannel(endpoint), ZeroMQWorkerChannel(endpoint)
    await gateway.send(audio(1))
    await receive(worker)
    gateway._note(zmq.EVENT_DISCONNECTED)
    waiting = asyncio.create_task(gateway.send(audio(2)))
    with pytest.raises(ChannelLost):
        await gateway.receive()
    assert worker.receive(0.2) == []
    assert not waiting.done()
    worker.close()
    successor = ZeroMQWorkerChannel(endpoint)
    assert [message for _, message in await receive(successor)] == [audio(2)]
    gateway._note(zmq.EVENT_DISCONNECTED)
    gateway._note(zmq.EVENT_DISCONNECTED)  # a worker that stopped before it could greet
    with pytest.raises(ChannelLost):
        await gateway.receive()
    assert gateway._inbox.empty(), "each end is told once"
    await gateway.close()
    successor.close()


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


async def test_a_worker_whose_socket_is_deleted_is_found_again_and_keeps_its_gateways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq, "_LOOK_SECONDS", 0.0)
    folder = tmp_path / "sockets"
    folder.mkdir()
    endpoint = f"ipc://{folder}/w"
    old, worker = ZeroMQGatewayChannel(endpoint), ZeroMQWorkerChannel(endpoint)
    await old.send(audio(1))
    await receive(worker)
    shutil.rmtree(folder)
    assert worker.receive(0) == []
    new = ZeroMQGatewayChannel(endpoint)
    for number, gateway in enumerate((old, new)):
        await gateway.send(audio(number))
        [(identity, message)] = await receive(worker)
        assert message == audio(number)
        worker.send(identity, FromWorker((READY,)))
        assert await asyncio.wait_for(gateway.receive(), 5) == FromWorker((READY,))
    shutil.rmtree(folder)
    folder.write_text("in the way")
    assert worker.receive(0) == []  # said in the log
    for gateway in (old, new):
        await gateway.close()
    worker.close()
