"""Both transports: messages in order, identities, and a worker that goes and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auricle_server.ipc import ChannelLost, GatewayChannel, InProcessChannel, WorkerChannel
from auricle_server.ipc.columns import AudioColumns, ResultBatch, ResultColumns
from auricle_server.ipc.messages import (
    BatchPart,
    FromWorker,
    StreamOpened,
    ToWorker,
    WorkerReady,
)
from auricle_server.ipc.zeromq import ZeroMQGatewayChannel, ZeroMQWorkerChannel
from auricle_server.model_info import ModelInfo

Ends = tuple[WorkerChannel, Callable[[], GatewayChannel]]
RESULTS = ResultColumns.of(ResultBatch(*(np.array([each]) for each in (1, 1280, 1, 3, 5, 0, 0.5, 0.4))))
INFO = ModelInfo("m", ("▁a",), (80,), 80, ("en-US",), "en-US", 0.08, 4)
READY = WorkerReady(INFO)


@pytest.fixture(params=["inprocess", "zeromq"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Ends:
    if request.param == "inprocess":
        link = InProcessChannel()
        return link.worker, link.gateway
    endpoint = f"ipc://{tmp_path}/w"
    return ZeroMQWorkerChannel(endpoint), lambda: ZeroMQGatewayChannel(endpoint)


def audio(number: int) -> ToWorker:
    return ToWorker((BatchPart(AudioColumns.of([number], [1], [b"\1\2"])),))


async def receive(worker: WorkerChannel, count: int = 1) -> list[tuple[bytes, ToWorker]]:
    messages: list[tuple[bytes, ToWorker]] = []
    while len(messages) < count:
        messages += await asyncio.to_thread(worker.receive, 5.0)
    return messages


async def test_messages_keep_their_order_and_their_sender(ends: Ends) -> None:
    worker, connect = ends
    one, two = connect(), connect()
    for number in range(3):
        await one.send(audio(number))
    first = await receive(worker, 3)
    assert [message for _, message in first] == [audio(number) for number in range(3)]
    await two.send(ToWorker(()))
    [(other, _)] = await receive(worker)
    assert other != first[0][0]
    worker.send(other, FromWorker((READY,)))
    worker.send(first[0][0], FromWorker((StreamOpened(2, 3, 4),), RESULTS))
    assert await two.receive() == FromWorker((READY,))
    assert await one.receive() == FromWorker((StreamOpened(2, 3, 4),), RESULTS)
    for link in (one, two):
        await link.close()
    worker.send(other, FromWorker((READY,)))
    worker.close()


async def test_nothing_comes_of_waiting_for_nothing(ends: Ends) -> None:
    worker, _ = ends
    assert worker.receive(0.0) == []
    assert worker.receive(0.01) == []
    worker.close()


async def test_a_gateway_learns_that_its_worker_has_gone(ends: Ends) -> None:
    worker, connect = ends
    gateway = connect()
    await gateway.send(ToWorker(()))
    [(identity, _)] = await receive(worker)
    worker.send(identity, FromWorker((READY,)))
    assert await gateway.receive() == FromWorker((READY,))
    worker.close()
    with pytest.raises(ChannelLost):
        await asyncio.wait_for(gateway.receive(), 5)
    await gateway.close()
