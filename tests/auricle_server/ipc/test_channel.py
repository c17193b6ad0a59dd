"""Both transports: messages in order, identities, and a worker that goes and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auricle_server.ipc import ChannelLost, GatewayChannel, InProcessChannel, WorkerChannel, codec
from auricle_server.ipc.columns import AudioColumns, ResultColumns
from auricle_server.ipc.messages import (
    BatchPart,
    ChangeRefused,
    ChangeStream,
    CloseStream,
    FlushStream,
    FromWorker,
    ModelInfo,
    OpenStream,
    StepSample,
    StreamFailure,
    StreamOpened,
    ToWorker,
    WorkerStats,
)
from auricle_server.ipc.zeromq import ZeroMQGatewayChannel, ZeroMQWorkerChannel

Ends = tuple[WorkerChannel, Callable[[], GatewayChannel]]
RESULTS = ResultColumns.of(*(np.array([each]) for each in (1, 1280, 1, 3, 5, 0, 0.5, 0.4)))
INFO = ModelInfo("m", ("▁a",), (80,), 80, ("en-US",), "en-US", 0.08, 4)


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
    worker.send(other, FromWorker((INFO,)))
    worker.send(first[0][0], FromWorker((StreamOpened(2, 3, 4),), RESULTS))
    assert await two.receive() == FromWorker((INFO,))
    assert await one.receive() == FromWorker((StreamOpened(2, 3, 4),), RESULTS)
    for link in (one, two):
        await link.close()
    worker.send(other, FromWorker((INFO,)))
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
    worker.send(identity, FromWorker((INFO,)))
    assert await gateway.receive() == FromWorker((INFO,))
    worker.close()
    with pytest.raises(ChannelLost):
        await asyncio.wait_for(gateway.receive(), 5)
    await gateway.close()


async def test_a_successor_answers_over_the_same_link(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/w"
    gateway = ZeroMQGatewayChannel(endpoint)
    waiting = asyncio.create_task(gateway.send(audio(1)))
    for _ in range(2):
        worker = ZeroMQWorkerChannel(endpoint)
        await waiting
        [(identity, _)] = await receive(worker)
        worker.send(identity, FromWorker((INFO,)))
        assert await gateway.receive() == FromWorker((INFO,))
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


def test_the_codec_keeps_every_message() -> None:
    stats = WorkerStats(1, 0.2, 0.3, 4, False, (StepSample(80, 5, 0.006),))
    down = FromWorker(
        (INFO, stats, StreamOpened(3, 4, 5), StreamFailure(6, "internal", "no"), ChangeRefused(7, "no")), RESULTS
    )
    items = OpenStream(1, 80, "en"), ChangeStream(2, 160), FlushStream(3, 4, True), CloseStream(5)
    up = ToWorker((BatchPart(AudioColumns.of([1], [2], [b"\1\2"]), items), BatchPart()))
    assert codec.decode_from_worker(codec.encode(down)) == down
    assert codec.decode_to_worker(codec.encode(up)) == up
    with pytest.raises(codec.DecodeError):
        codec.decode_to_worker(codec.encode(down))
