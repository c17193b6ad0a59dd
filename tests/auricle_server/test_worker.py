"""The worker: one message per tick each way, and nothing one stream does can end it."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from auricle_server.link.messages import (
    Audio,
    ChangeStream,
    ChunkResult,
    CloseStream,
    FlushStream,
    FromWorker,
    GatewayItem,
    ModelInfo,
    OpenStream,
    StreamFailed,
    StreamOpened,
    ToWorker,
    WorkerItem,
    WorkerStats,
)
from auricle_server.worker import GATEWAY_SILENCE_SECONDS, Worker, WorkerBroken, model_info
from tests.auricle_server.standin import StandIn, speech

A, B = b"a", b"b"


class Bench:
    """A worker on a table: what gateways say goes in by hand, and time is set by hand."""

    def __init__(self, slots: int = 4) -> None:
        self.now = 100.0
        self.engine = StandIn(slots)
        self.inbox: deque[tuple[bytes, ToWorker]] = deque()
        self.sent: list[tuple[bytes, FromWorker]] = []
        engine = self.engine.as_engine()
        self.worker = Worker(engine, self, model_info(engine), lambda: self.now)

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        messages = list(self.inbox)
        self.inbox.clear()
        return messages

    def send(self, gateway: bytes, message: FromWorker) -> None:
        self.sent.append((gateway, message))

    def close(self) -> None:
        self.sent.clear()

    def tick(self, gateway: bytes = A, *items: GatewayItem) -> list[WorkerItem]:
        """One tick; what the gateway is told, but for the statistics."""
        self.inbox.append((gateway, ToWorker(items)))
        self.sent.clear()
        self.worker.tick(0.0)
        told = [item for to, message in self.sent if to == gateway for item in message.items]
        return [item for item in told if not isinstance(item, WorkerStats)]


def opened(stream: int) -> OpenStream:
    return OpenStream(stream, 80, "en-US")


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.tick(A)
    bench.tick(B)
    return bench


def test_a_gateway_is_told_of_the_model_once() -> None:
    bench = Bench()
    [info] = bench.tick(A)
    assert isinstance(info, ModelInfo)
    assert (info.name, info.slots, info.default_latency_ms) == ("stand-in", 4, 80)
    assert bench.tick(A) == []
    assert bench.tick(B) == [info]


def test_the_default_latency_can_be_set() -> None:
    engine = StandIn().as_engine()
    assert model_info(engine, 160).default_latency_ms == 160
    with pytest.raises(ValueError, match="offers 80, 160, not 90"):
        model_info(engine, 90)


def test_a_tick_sends_one_message_to_each_gateway(bench: Bench) -> None:
    bench.tick(A, opened(1), opened(2))
    bench.tick(B, opened(1))
    bench.inbox.append((B, ToWorker((Audio(1, speech("two")),))))
    items = bench.tick(A, Audio(1, speech("one")), Audio(2, speech("three")))
    assert [to for to, _ in bench.sent] == [A, B]
    assert [(item.stream, item.tokens) for item in items if isinstance(item, ChunkResult)] == [(1, (0,)), (2, (2,))]
    assert [item for _, message in bench.sent[1:] for item in message.items] == [
        ChunkResult(1, 1280, (1,), (0,), (0.9,))
    ]


def test_a_last_flush_gives_the_slot_back(bench: Bench) -> None:
    [answer] = bench.tick(A, opened(1))
    assert answer == StreamOpened(1)
    results = bench.tick(A, Audio(1, b"\0\0"), FlushStream(1, 7, last=True))
    assert [(r.samples, r.mark) for r in results if isinstance(r, ChunkResult)] == [(1, 7)]
    assert bench.engine.slots_used == 0
    assert bench.tick(A, Audio(1, b"\0\0"), CloseStream(1)) == []


def test_no_slot_is_an_answer(bench: Bench) -> None:
    answers = bench.tick(A, *(opened(stream) for stream in range(5)))
    assert answers[:4] == [StreamOpened(stream) for stream in range(4)]
    assert isinstance(answers[4], StreamFailed)
    assert answers[4].code == "server_full"
    bench.tick(A, CloseStream(0))
    assert bench.tick(B, opened(9)) == [StreamOpened(9)]


@pytest.mark.parametrize("item", [Audio(2, b"poison!!"), Audio(2, b"odd"), FlushStream(2, 1)])
def test_what_fails_for_one_stream_fails_for_that_one_only(bench: Bench, item: GatewayItem) -> None:
    bench.engine.poison = b"poison!!"
    bench.tick(A, opened(1), opened(2))
    if isinstance(item, FlushStream):
        bench.worker._leases[A, 2] = bench.engine.open(80, "en-US")  # a lease that ends behind the worker's back
        bench.worker._owners[bench.worker._leases[A, 2].id] = (A, 2)
        bench.engine.close(bench.worker._leases[A, 2])
    told = bench.tick(A, Audio(1, speech("one")), item)
    [failed] = [answer for answer in told if isinstance(answer, StreamFailed)]
    assert (failed.stream, failed.code) == (2, "internal")
    assert [answer.tokens for answer in told if isinstance(answer, ChunkResult)] == [(0,)]
    assert bench.tick(A, Audio(2, speech("two"))) == [ChunkResult(1, 2560)]


def test_a_step_that_fails_is_everybodys_loss_but_not_the_workers_end(bench: Bench) -> None:
    bench.tick(A, opened(1), opened(2))
    bench.engine.broken = 1
    told = bench.tick(A, Audio(1, speech("one")))
    assert [(item.stream, item.code) for item in told if isinstance(item, StreamFailed)] == [
        (1, "worker_lost"),
        (2, "worker_lost"),
    ]
    assert bench.engine.slots_used == 0
    assert bench.tick(A, opened(3), Audio(3, speech("one", frames=1)))[0] == StreamOpened(3)


def test_a_worker_whose_steps_go_on_failing_gives_up(bench: Bench) -> None:
    bench.engine.broken = 9

    def attempt(stream: int) -> Any:
        return bench.tick(A, opened(stream), Audio(stream, speech("one")))

    attempt(1)
    attempt(2)
    with pytest.raises(WorkerBroken):
        attempt(3)
    assert any(isinstance(item, StreamFailed) for _, message in bench.sent for item in message.items)


def test_changes_reach_the_engine(bench: Bench) -> None:
    bench.tick(A, opened(1), ChangeStream(1, latency_ms=160))
    assert bench.tick(A, Audio(1, speech("one", frames=1))) == []
    assert len(bench.tick(A, Audio(1, speech("two", frames=1)))) == 1


def test_a_gateway_that_falls_silent_loses_its_streams(bench: Bench) -> None:
    bench.tick(A, opened(1))
    bench.tick(B, opened(1), opened(2))
    for _ in range(3):
        bench.now += GATEWAY_SILENCE_SECONDS / 2
        bench.tick(A)
    assert bench.engine.slots_used == 1
    [info] = bench.tick(B)
    assert isinstance(info, ModelInfo)  # which tells it, should it come back, that its streams are gone


def test_statistics_are_sent_once_a_second(bench: Bench) -> None:
    bench.now += 1.0
    bench.tick(A, opened(1), Audio(1, speech("one", frames=1)))
    [stats] = [item for to, m in bench.sent if to == A for item in m.items if isinstance(item, WorkerStats)]
    assert (stats.slots_used, stats.steps, stats.rows, stats.batch_sizes) == (1, 1, 1, (1,))
    bench.tick(A)
    assert not any(isinstance(item, WorkerStats) for _, m in bench.sent for item in m.items)
