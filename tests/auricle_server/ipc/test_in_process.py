"""Gateways and a worker in one process: each gateway has its own name, and nothing reaches one that has gone."""

from __future__ import annotations

import pytest

from auricle_server.ipc import ChannelLost, InProcessChannel
from auricle_server.ipc.messages import FromWorker, StreamOpened, ToWorker

OPENED = FromWorker((StreamOpened(1, 2, 3),))


async def test_a_worker_tells_its_gateways_apart() -> None:
    channel = InProcessChannel()
    one, two = channel.gateway(), channel.gateway()
    await one.send(ToWorker())
    await two.send(ToWorker())
    (first, _), (second, _) = channel.worker.receive(0.0)
    assert first != second
    assert channel.worker.receive(0.0) == []
    channel.worker.send(second, OPENED)
    assert await two.receive() == OPENED


async def test_messages_for_a_gateway_that_has_closed_are_dropped() -> None:
    channel = InProcessChannel()
    gateway = channel.gateway()
    await gateway.send(ToWorker())
    [(name, _)] = channel.worker.receive(0.0)
    await gateway.close()
    channel.worker.send(name, OPENED)
    assert channel.worker.gateways == {}


async def test_a_worker_that_stops_is_lost_to_every_gateway() -> None:
    channel = InProcessChannel()
    gateways = [channel.gateway(), channel.gateway()]
    channel.worker.close()
    for gateway in gateways:
        with pytest.raises(ChannelLost):
            await gateway.receive()
