"""The worker: one message per tick each way, and nothing one stream does can end it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import pytest

from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.columns import AudioColumns, ChunkResult
from auricle_server.ipc.messages import (
    BatchPart,
    CloseStream,
    FlushStream,
    FromWorker,
    GatewayItem,
    OpenStream,
    SettingsUpdate,
    StepSample,
    StreamFailure,
    StreamOpened,
    ToWorker,
    UpdateStream,
    WorkerItem,
    WorkerReady,
    WorkerStats,
)
from auricle_server.worker.admission import Admission
from auricle_server.worker.factory import model_info
from auricle_server.worker.loop import GATEWAY_SILENCE_SECONDS, Worker, WorkerBroken
from tests.auricle_server.fake_engine import FakeEngine, speech

A, B = b"a", b"b"


@dataclass(frozen=True)
class Audio:
    """What a gateway puts into its columns."""

    stream: int
    pcm: bytes


class Bench:
    """A worker on a table: what gateways say goes in by hand, and time is set by hand."""

    def __init__(self, slots: int = 4, admission: Admission | None = None) -> None:
        self.now = 100.0
        self.engine = FakeEngine(slots)
        self.inbox: deque[tuple[bytes, ToWorker]] = deque()
        self.sent: list[tuple[bytes, FromWorker]] = []
        self.seats: dict[tuple[bytes, int], StreamOpened] = {}
        engine = self.engine.as_engine()
        self.worker = Worker(engine, self, model_info(engine), admission, lambda: self.now)

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        messages = list(self.inbox)
        self.inbox.clear()
        return messages

    def send(self, gateway: bytes, message: FromWorker) -> None:
        self.sent.append((gateway, message))
        self.seats |= {(gateway, item.stream): item for item in message.items if isinstance(item, StreamOpened)}

    def close(self) -> None:
        self.sent.clear()

    def say(self, gateway: bytes, *items: GatewayItem | Audio) -> None:
        """What comes from a gateway at the next tick."""
        outbox = BatchWriter()
        for item in items:
            if isinstance(item, Audio):
                seat = self.seats[gateway, item.stream]
                outbox.add_audio(item.stream, seat.slot, seat.lease, item.pcm)
            else:
                outbox.add(item)
        self.inbox.append((gateway, outbox.take()))

    def told(self, gateway: bytes) -> list[WorkerItem | ChunkResult]:
        """What the gateway was told at the last tick, but for the statistics."""
        messages = [message for to, message in self.sent if to == gateway]
        results = [result for message in messages if message.results is not None for result in message.results.rows()]
        items = [item for message in messages for item in message.items if not isinstance(item, WorkerStats)]
        return [*results, *items]

    def tick(self, gateway: bytes = A, *items: GatewayItem | Audio) -> list[WorkerItem | ChunkResult]:
        """One tick; what the gateway is told."""
        self.say(gateway, *items)
        self.sent.clear()
        self.worker.tick(0.0)
        return self.told(gateway)


def opened(stream: int) -> OpenStream:
    return OpenStream(stream, 80, "en-US")


def streams(told: list[WorkerItem | ChunkResult], kind: type[StreamOpened | StreamFailure]) -> list[int]:
    return [item.stream for item in told if isinstance(item, kind)]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.tick(A)
    bench.tick(B)
    return bench


def test_a_gateway_is_told_of_the_model_once() -> None:
    bench = Bench()
    [ready] = bench.tick(A)
    assert isinstance(ready, WorkerReady)
    assert (ready.info.name, ready.info.slots, ready.info.default_latency_ms) == ("stand-in", 4, 80)
    assert bench.tick(A) == []
    assert bench.tick(B) == [ready]


def test_the_default_latency_can_be_set() -> None:
    engine = FakeEngine().as_engine()
    assert model_info(engine, 160).default_latency_ms == 160
    with pytest.raises(ValueError, match="offers 80, 160, not 90"):
        model_info(engine, 90)


def test_a_tick_sends_one_message_to_each_gateway(bench: Bench) -> None:
    bench.tick(A, opened(1), opened(2))
    bench.tick(B, opened(1))
    bench.say(B, Audio(1, speech("two")))
    items = bench.tick(A, Audio(1, speech("one")), Audio(2, speech("three")))
    assert sorted(to for to, _ in bench.sent) == [A, B]
    assert [(item.stream, item.tokens) for item in items if isinstance(item, ChunkResult)] == [(1, (0,)), (2, (2,))]
    assert bench.told(B) == [ChunkResult(1, 1280, (1,), (0,), (0.75,), (0.5,))]


def test_a_last_flush_gives_the_slot_back(bench: Bench) -> None:
    assert streams(bench.tick(A, opened(1)), StreamOpened) == [1]
    results = bench.tick(A, Audio(1, b"\0\0"), FlushStream(1, 7, last=True))
    assert [(r.samples, r.mark) for r in results if isinstance(r, ChunkResult)] == [(1, 7)]
    assert bench.engine.slots_used == 0
    assert bench.tick(A, Audio(1, b"\0\0"), CloseStream(1)) == []


def test_audio_behind_the_last_flush_is_dropped(bench: Bench) -> None:
    bench.tick(A, opened(1), opened(2))
    told = bench.tick(
        A, Audio(1, b"\0\0"), FlushStream(1, 7, last=True), Audio(1, speech("one")), Audio(2, speech("two", frames=1))
    )
    assert told == [ChunkResult(1, 1, mark=7), ChunkResult(2, 1280, (1,), (0,), (0.75,), (0.5,))]


def test_no_slot_is_an_answer(bench: Bench) -> None:
    answers = bench.tick(A, *(opened(stream) for stream in range(5)))
    assert streams(answers, StreamOpened) == [0, 1, 2, 3]
    assert isinstance(answers[4], StreamFailure)
    assert answers[4].code == "server_full"
    bench.tick(A, CloseStream(0))
    assert streams(bench.tick(B, opened(9)), StreamOpened) == [9]


OTHER_LATENCY = UpdateStream(2, SettingsUpdate(latency_ms=160))
NO_SUCH_LATENCY = UpdateStream(2, SettingsUpdate(latency_ms=90))


@pytest.mark.parametrize("item", [FlushStream(2, 13), NO_SUCH_LATENCY, OTHER_LATENCY, FlushStream(2, 1)])
def test_what_fails_for_one_stream_fails_for_that_one_only(bench: Bench, item: FlushStream | UpdateStream) -> None:
    bench.engine.poison = 13
    bench.tick(A, opened(1), opened(2))
    if item in (OTHER_LATENCY, FlushStream(2, 1)):  # a lease that ends behind the worker's back
        tenant = bench.worker._table.get((A, 2))
        assert tenant is not None
        bench.engine.close(tenant.lease)
    told = bench.tick(A, Audio(1, speech("one")), Audio(2, speech("two")), item)
    [failed] = [answer for answer in told if isinstance(answer, StreamFailure)]
    assert (failed.stream, failed.code) == (2, "internal")
    assert [answer.tokens for answer in told if isinstance(answer, ChunkResult)] == [(0,)]
    assert bench.tick(A, Audio(2, speech("two"))) == [ChunkResult(1, 2560)]
    assert bench.engine.slots_used == 1


def test_audio_for_a_worker_that_has_died_does_not_reach_its_successors_streams(bench: Bench) -> None:
    bench.tick(A, opened(1))
    successor = Bench()
    successor.tick(B, opened(1))
    assert successor.seats[B, 1].slot == bench.seats[A, 1].slot
    successor.seats[A, 1] = bench.seats[A, 1]
    told = successor.tick(A, Audio(1, speech("one")))
    assert [type(item) for item in told] == [WorkerReady]
    assert successor.told(B) == []
    assert successor.tick(B, Audio(1, speech("two", frames=1))) == [ChunkResult(1, 1280, (1,), (0,), (0.75,), (0.5,))]


def test_columns_that_do_not_fit_cost_nobody_else_a_word(bench: Bench) -> None:
    bench.tick(A, opened(1))
    seat = bench.seats[A, 1]
    broken = AudioColumns.of([seat.slot], [seat.lease], [b"\0\0"])
    wild = AudioColumns.of([1 << 20, -5], [7, 0], [b"\0\0", b"\0\0"])
    bench.inbox.append(
        (B, ToWorker((BatchPart(AudioColumns(broken.slots, broken.leases, broken.lengths, b"\0\0\0\0")),)))
    )
    bench.inbox.append((B, ToWorker((BatchPart(wild),))))
    assert bench.tick(A, Audio(1, speech("one", frames=1))) == [ChunkResult(1, 1280, (0,), (0,), (0.75,), (0.5,))]


def test_a_step_that_fails_is_everybodys_loss_but_not_the_workers_end(bench: Bench) -> None:
    bench.tick(A, opened(1), opened(2))
    bench.engine.broken = 1
    told = bench.tick(A, Audio(1, speech("one")))
    assert [(item.stream, item.code) for item in told if isinstance(item, StreamFailure)] == [
        (1, "worker_lost"),
        (2, "worker_lost"),
    ]
    assert bench.engine.slots_used == 0
    assert streams(bench.tick(A, opened(3)), StreamOpened) == [3]
    assert bench.tick(A, Audio(3, speech("one", frames=1))) == [ChunkResult(3, 1280, (0,), (0,), (0.75,), (0.5,))]


def test_a_hand_over_that_fails_is_like_a_failed_step(bench: Bench) -> None:
    bench.tick(A, opened(1), opened(2))
    bench.engine.deaf = 1
    told = bench.tick(A, Audio(1, speech("one")), FlushStream(2, 1))
    assert [(item.stream, item.code) for item in told if isinstance(item, StreamFailure)] == [
        (1, "worker_lost"),
        (2, "worker_lost"),
    ]
    assert bench.engine.slots_used == 0


def test_a_worker_whose_steps_go_on_failing_gives_up(bench: Bench) -> None:
    bench.engine.broken = 9

    def attempt(stream: int) -> Any:
        bench.tick(A, opened(stream))
        return bench.tick(A, Audio(stream, speech("one")))

    attempt(1)
    attempt(2)
    with pytest.raises(WorkerBroken):
        attempt(3)
    assert any(isinstance(item, StreamFailure) for _, message in bench.sent for item in message.items)


def test_changes_reach_the_engine(bench: Bench) -> None:
    bench.tick(A, opened(1), UpdateStream(1, SettingsUpdate(latency_ms=160)))
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
    assert isinstance(info, WorkerReady)  # which tells it, should it come back, that its streams are gone


def test_statistics_are_sent_once_a_second_and_steps_to_one_gateway_only(bench: Bench) -> None:
    bench.tick(A, opened(1))
    bench.tick(A, Audio(1, speech("one", frames=1)))
    bench.now += 1.0
    bench.tick(A)
    told = {to: [item for item in m.items if isinstance(item, WorkerStats)] for to, m in bench.sent}
    [mine], [others] = told[A], told[B]
    assert (mine.slots_used, mine.capacity, mine.full, mine.steps) == (1, 4, False, (StepSample(80, 1, 0.0),))
    assert (others.slots_used, others.steps) == (1, ())
    bench.tick(A)
    assert not any(isinstance(item, WorkerStats) for _, m in bench.sent for item in m.items)


def test_what_the_start_left_to_warm_up_follows_while_there_is_no_stream(bench: Bench) -> None:
    assert bench.engine.warmed == [0.0, 0.0]
    bench.tick(A, opened(1))
    bench.tick(A)
    assert bench.engine.warmed == [0.0, 0.0], "a stream would wait"
    bench.tick(A, CloseStream(1))
    for _ in range(3):
        bench.tick(A)
    assert bench.engine.warmed == [0.0, 0.0, 0.0], "nothing is left"


def test_streams_are_served_where_warming_up_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, tried = Bench(), list[float]()

    def fail(seconds: float) -> bool:
        tried.append(seconds)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(bench.engine, "warm_up", fail)
    for _ in range(3):
        bench.tick(A)
    assert tried == [0.0]
    assert streams(bench.tick(A, opened(1)), StreamOpened) == [1]
