"""One worker as a gateway sees it, on a channel without one: leases, ticks, results, losses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from auricle.protocol import codes
from auricle_server.gateway.errors import AtCapacity, NotReady, Refusal
from auricle_server.gateway.workers import worker_client as module
from auricle_server.gateway.workers.slot_lease import SlotLease, StreamItem
from auricle_server.gateway.workers.worker_client import WorkerClient
from auricle_server.ipc import batch_writer
from auricle_server.ipc.columns import ChunkResult, ResultBatch, ResultColumns
from auricle_server.ipc.messages import (
    CloseStream,
    FlushStream,
    FromWorker,
    OpenStream,
    StepSample,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    WorkerStats,
)
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import INFO
from tests.auricle_server.gateway.workers.fake_channel import FakeChannel
from tests.auricle_server.raw_client import until


class Bench:
    """A client of one worker, its channel and its tasks."""

    def __init__(self) -> None:
        self.channel = FakeChannel()
        self.metrics = Metrics()
        self.arrivals = 0
        self.client = WorkerClient(self.channel, self.metrics, self._arrived)

    def _arrived(self) -> None:
        self.arrivals += 1

    async def open(self, latency_ms: int | None = None) -> tuple[SlotLease, list[StreamItem]]:
        """Reserves a slot; the worker gives slot 3 under lease 5."""
        reserving = asyncio.create_task(self.client.reserve(latency_ms))
        before = len(self.channel.items)
        await until(lambda: len(self.channel.items) > before)
        opened = self.channel.items[-1]
        assert isinstance(opened, OpenStream)
        self.channel.reply(StreamOpened(opened.stream, 3, 5))
        lease, received = await reserving, list[StreamItem]()
        lease.listener = received.append
        return lease, received

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(bench.client.run_reader()), tasks.create_task(bench.client.writer.run())]
        await bench.settle()
        assert len(bench.channel.sent) == 1, "a gateway introduces itself with an empty message"
        bench.channel.join()
        await bench.settle()
        yield bench
        for task in running:
            task.cancel()


async def test_a_worker_that_introduces_itself_takes_streams(bench: Bench) -> None:
    assert (bench.client.ready, bench.arrivals, bench.client.free, bench.client.full) == (True, 1, INFO.slots, False)


@pytest.mark.parametrize(("asked", "reserved"), [(80, 80), (None, 160), (333, 160)])
async def test_a_slot_is_reserved_for_the_latency_if_there_is_such(
    bench: Bench, asked: int | None, reserved: int
) -> None:
    lease, _ = await bench.open(asked)
    assert (lease.latency_ms, lease.number, lease.info) == (reserved, 1, INFO)
    assert bench.channel.items == [OpenStream(1, reserved, "en-US")]
    assert bench.client.free == INFO.slots - 1


@pytest.mark.parametrize(
    ("code", "error"),
    [(codes.SERVER_FULL, AtCapacity), (codes.WORKER_LOST, NotReady), (codes.INTERNAL, Refusal)],
)
async def test_a_slot_that_the_worker_refuses_is_none(bench: Bench, code: str, error: type[Exception]) -> None:
    reserving = asyncio.create_task(bench.client.reserve(None))
    await bench.settle()
    bench.channel.reply(StreamFailure(1, code, "no"))
    with pytest.raises(error, match="no"):
        await reserving
    assert bench.client.free == INFO.slots


async def test_no_more_slots_are_asked_for_than_there_are(bench: Bench) -> None:
    for _ in range(INFO.slots):
        await bench.open()
    with pytest.raises(AtCapacity):
        await bench.client.reserve(None)
    assert bench.client.full


async def test_without_a_worker_nothing_is_reserved() -> None:
    with pytest.raises(NotReady):
        await WorkerClient(FakeChannel(), Metrics(), lambda: None).reserve(None)


async def test_a_worker_that_does_not_answer_in_time_gets_its_slot_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESERVE_SECONDS", 0.01)
    with pytest.raises(NotReady, match="does not answer"):
        await bench.client.reserve(None)
    bench.channel.reply(StreamOpened(1, 3, 5))
    await until(lambda: CloseStream(1) in bench.channel.items)


async def test_audio_waits_for_the_tick_and_a_flush_does_not(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "TICK_SECONDS", 60.0)
    lease, _ = await bench.open()
    sent = len(bench.channel.sent)
    lease.send_audio(b"\1\2")
    await bench.settle()
    assert len(bench.channel.sent) == sent
    lease.flush(1)
    await bench.settle()
    assert len(bench.channel.sent) == sent + 1
    assert (bench.channel.audio, bench.channel.items[-1]) == (b"\1\2", FlushStream(1, 1))


async def test_a_tick_takes_all_audio_in_one_message(bench: Bench) -> None:
    one, _ = await bench.open()
    two, _ = await bench.open()
    sent = len(bench.channel.sent)
    one.send_audio(b"\1\1")
    two.send_audio(b"\2\2")
    one.send_audio(b"\3\3")
    await until(lambda: len(bench.channel.audio) == 6)
    assert len(bench.channel.sent) == sent + 1


async def test_results_and_items_reach_their_stream_only(bench: Bench) -> None:
    _, one = await bench.open()
    lease, two = await bench.open()
    columns = ResultColumns.of(
        ResultBatch(
            streams=np.array([1, 2, 9]),
            samples=np.array([1280, 2560, 1280]),
            counts=np.array([0, 1, 0]),
            marks=np.array([-1, -1, -1]),
            tokens=np.array([1]),
            frames=np.array([4]),
            probabilities=np.array([0.5]),
            confidences=np.array([0.25]),
        )
    )
    refused = UpdateRefused(2, "no time")
    bench.channel.reply_message(FromWorker((refused, UpdateRefused(9, "a stream that has gone")), columns))
    await bench.settle()
    assert one == [ChunkResult(1, 1280)]
    assert two == [ChunkResult(2, 2560, (1,), (4,), (0.5,), (0.25,)), refused]
    lease.release()
    bench.channel.reply_message(FromWorker((), columns))
    await bench.settle()
    assert len(two) == 2, "a released lease gets nothing"


async def test_a_released_slot_is_closed_once(bench: Bench) -> None:
    lease, _ = await bench.open()
    lease.release()
    lease.release()
    await until(lambda: CloseStream(1) in bench.channel.items)
    assert bench.channel.items.count(CloseStream(1)) == 1


async def test_a_stream_that_fails_has_no_slot_to_give_back(bench: Bench) -> None:
    lease, received = await bench.open()
    failure = StreamFailure(1, codes.INTERNAL, "it broke")
    bench.channel.reply(failure)
    await bench.settle()
    lease.release()
    assert received == [failure]
    assert (bench.client.free, CloseStream(1) in bench.channel.items) == (INFO.slots, False)


@pytest.mark.parametrize("successor", [False, True])
async def test_a_lost_worker_fails_its_streams(bench: Bench, successor: bool) -> None:
    _, received = await bench.open()
    if successor:
        bench.channel.join()
    else:
        bench.channel.lose()
    await bench.settle()
    [failure] = received
    assert isinstance(failure, StreamFailure)
    assert failure.code == codes.WORKER_LOST
    assert bench.client.ready is successor
    assert bench.metrics.registry.get_sample_value("auricle_workers_lost_total") == 1


async def test_who_asks_a_worker_that_is_lost_is_told(bench: Bench) -> None:
    reserving = asyncio.create_task(bench.client.reserve(None))
    await bench.settle()
    bench.channel.lose()
    with pytest.raises(NotReady):
        await reserving
    assert bench.client.free == 0


async def test_who_asks_a_worker_that_is_replaced_gets_a_slot_of_the_new_one(bench: Bench) -> None:
    """So does a client whose request ends a silence for which the worker took this gateway for gone."""
    reserving = asyncio.create_task(bench.client.reserve(None))
    await bench.settle()
    first = bench.channel.items[-1]
    assert isinstance(first, OpenStream)
    bench.channel.join()
    bench.channel.reply(StreamOpened(first.stream, 2, 4))
    await bench.settle()
    closed, again = bench.channel.items[-2:]
    assert closed == CloseStream(first.stream)
    assert isinstance(again, OpenStream)
    bench.channel.reply(StreamOpened(again.stream, 3, 5))
    assert (await reserving).number == again.stream
    assert bench.client.free == INFO.slots - 1


async def test_a_worker_that_is_replaced_twice_is_not_asked_for_ever(bench: Bench) -> None:
    reserving = asyncio.create_task(bench.client.reserve(None))
    for _ in range(2):
        await bench.settle()
        bench.channel.join()
    with pytest.raises(NotReady):
        await reserving


async def test_a_silent_worker_is_lost_until_it_sends_something(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _, received = await bench.open()
    bench.client.on_beat()
    assert bench.client.ready
    monkeypatch.setattr(module, "SILENCE_SECONDS", -1.0)
    bench.client.on_beat()
    assert (bench.client.ready, len(received)) == (False, 1)
    await until(lambda: CloseStream(1) in bench.channel.items)
    bench.channel.reply()
    await bench.settle()
    assert bench.client.ready


async def test_the_load_that_a_worker_reports_is_known_and_counted(bench: Bench) -> None:
    bench.channel.reply(WorkerStats(3, 0.2, 0.3, 4, True, (StepSample(80, 5, 0.006),)))
    await bench.settle()
    client = bench.client
    assert (client.slots_used, client.capacity, client.free, client.full) == (3, 4, 1, True)
    assert bench.metrics.registry.get_sample_value("auricle_batch_rows_count") == 1


async def test_a_close_sends_what_was_released_last(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "TICK_SECONDS", 60.0)
    lease, _ = await bench.open()
    lease.release()
    await bench.client.close()
    assert (bench.channel.items[-1], bench.channel.closed) == (CloseStream(1), True)
