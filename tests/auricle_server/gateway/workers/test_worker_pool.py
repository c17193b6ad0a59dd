"""Streams go to the worker with the most free slots, and to the next when that one refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from auricle.protocol import codes
from auricle_server.gateway.errors import AtCapacity, NotReady
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.ipc.messages import OpenStream, StreamFailure, StreamOpened
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import INFO
from tests.auricle_server.gateway.workers.fake_channel import FakeChannel
from tests.auricle_server.raw_client import until


@asynccontextmanager
async def pool_of(*slots: int) -> AsyncIterator[tuple[WorkerPool, list[FakeChannel]]]:
    """A pool of workers with so many slots."""
    channels = [FakeChannel() for _ in slots]
    pool = WorkerPool(channels, Metrics())
    running = asyncio.create_task(pool.run())
    for channel, count in zip(channels, slots, strict=True):
        channel.join(replace(INFO, slots=count))
    await until(lambda: all(client.ready for client in pool.clients))
    try:
        yield pool, channels
    finally:
        running.cancel()
        await asyncio.wait({running})


async def reserve(pool: WorkerPool, channels: list[FakeChannel], *answers: str | None) -> tuple[SlotLease, list[int]]:
    """Reserves a slot while the workers answer in turn: None opens the stream, a code refuses it."""
    reserving, asked = asyncio.create_task(pool.reserve()), list[int]()
    answered = {id(item) for channel in channels for item in channel.items}

    def unanswered() -> list[tuple[int, OpenStream]]:
        items = [(index, item) for index, channel in enumerate(channels) for item in channel.items]
        return [(index, item) for index, item in items if isinstance(item, OpenStream) and id(item) not in answered]

    for answer in answers:
        await until(lambda: bool(unanswered()))
        [(index, opening)] = unanswered()
        answered.add(id(opening))
        asked.append(index)
        failure, success = StreamFailure(opening.stream, answer or "", "no"), StreamOpened(opening.stream, 1, 1)
        channels[index].reply(success if answer is None else failure)
    return await reserving, asked


async def test_the_worker_with_the_most_free_slots_is_asked_first() -> None:
    async with pool_of(1, 3) as (pool, channels):
        assert (pool.ready, pool.slots, pool.model, pool.full) == (True, 4, "m", False)
        assert pool.arrived.is_set()
        assert (await reserve(pool, channels, None))[1] == [1]


@pytest.mark.parametrize("code", [codes.SERVER_FULL, codes.INTERNAL])
async def test_when_it_refuses_the_next_one_is_asked(code: str) -> None:
    async with pool_of(1, 3) as (pool, channels):
        assert (await reserve(pool, channels, code, None))[1] == [1, 0]
        with pytest.raises(AtCapacity):
            await reserve(pool, channels, code)


async def test_without_a_worker_nothing_is_ready() -> None:
    pool = WorkerPool([FakeChannel()], Metrics())
    assert (pool.ready, pool.slots, pool.model, pool.full) == (False, 0, None, True)
    with pytest.raises(NotReady):
        await pool.reserve()
    await pool.close()


@asynccontextmanager
async def swapping(places: int) -> AsyncIterator[tuple[WorkerPool, list[FakeChannel], list[FakeChannel]]]:
    """A pool with room for a successor of each worker, and its channels."""
    old, new = ([FakeChannel() for _ in range(places)] for _ in range(2))
    pool = WorkerPool(old, Metrics(), spares=new)
    running = asyncio.create_task(pool.run())
    for channel in old:
        channel.join()
    await until(lambda: all(client.ready for client in pool.serving))
    try:
        yield pool, old, new
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_new_streams_go_to_the_successors_once_all_of_them_are_ready() -> None:
    async with swapping(2) as (pool, old, new):
        assert pool.slots == 8
        new[0].join(replace(INFO, slots=6, source="next"), generation=1)
        await until(lambda: pool.clients[2].ready)
        assert (await reserve(pool, old + new, None))[1] == [0]
        new[1].join(replace(INFO, slots=6, source="next"), generation=1)
        await until(lambda: pool.clients[3].ready)
        assert (await reserve(pool, old + new, None))[1] == [2]
        assert pool.slots == 12
        assert pool.info is not None
        assert pool.info.source == "next"


async def test_an_old_worker_takes_streams_while_its_successor_restarts() -> None:
    async with swapping(1) as (pool, old, new):
        new[0].join(generation=1)
        await until(lambda: pool.serving == [pool.clients[1]])
        new[0].lose()
        await until(lambda: pool.serving == [pool.clients[0]])
        assert (await reserve(pool, old + new, None))[1] == [0]
        new[0].join(generation=1)
        await until(lambda: pool.serving == [pool.clients[1]])
        assert (await reserve(pool, old + new, None))[1] == [1]


async def test_a_stream_goes_to_the_successor_when_the_old_worker_ends_as_it_is_asked() -> None:
    async with swapping(1) as (pool, old, new):
        reserving = asyncio.create_task(pool.reserve())
        await until(lambda: bool(old[0].items))
        new[0].join(generation=1)
        await until(lambda: pool.clients[1].ready)
        old[0].lose()
        await until(lambda: bool(new[0].items))
        [opening] = [item for item in new[0].items if isinstance(item, OpenStream)]
        new[0].reply(StreamOpened(opening.stream, 1, 1))
        assert (await reserving).info == INFO


async def test_the_first_generation_comes_back_to_its_place_with_the_next_load() -> None:
    async with swapping(1) as (pool, old, new):
        new[0].join(generation=1)
        await until(lambda: pool.serving == [pool.clients[1]])
        old[0].lose()
        old[0].join(generation=2)
        await until(lambda: pool.serving == [pool.clients[0]])
