"""Second passes: which stream gets one, which loses it, and that other streams are unaffected."""

from __future__ import annotations

import pytest

from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    CAUGHT_UP,
    CloseStream,
    FlushSecondPass,
    FlushStream,
    FromWorker,
    GatewayItem,
    OpenStream,
    SecondPassChanged,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
    WorkerItem,
    WorkerStats,
)
from auricle_server.worker.admission import Admission, StepCalibration, StepTiming
from tests.auricle_server.fake_engine import FRAME, speech
from tests.auricle_server.worker.test_loop import A, Audio, B, Bench, opened, streams


def wants(stream: int, refine: str, *, starting: bool = False) -> UpdateStream:
    return UpdateStream(stream, SettingsUpdate(refine=refine), starting)


def second_passes(told: list[WorkerItem | ChunkResult]) -> list[tuple[int, bool]]:
    return [(item.stream, item.active) for item in told if isinstance(item, SecondPassChanged)]


def rows(told: list[WorkerItem | ChunkResult], *, refined: bool) -> list[ChunkResult]:
    return [item for item in told if isinstance(item, ChunkResult) and item.refined == refined]


def bench_of(slots: int, admission: Admission | None = None) -> Bench:
    bench = Bench(slots, admission)
    bench.tick(A)
    bench.tick(B)
    return bench


@pytest.fixture
def bench() -> Bench:
    return bench_of(4)


def timed(max_load: float, seconds: float = 0.01) -> Admission:
    """A row of 80 ms costs an eighth of the time there is, with 0.01 s, and one of 160 ms half of that."""
    steps = tuple(StepTiming(latency, count, seconds * count) for latency in (80, 160) for count in (1, 2, 4))
    return Admission((80, 160), max_load, StepCalibration(steps))


def test_the_same_audio_is_heard_at_both_latencies(bench: Bench) -> None:
    bench.tick(A, opened(1))
    assert second_passes(bench.tick(A, wants(1, "on", starting=True))) == [(1, True)]
    told = bench.tick(A, Audio(1, speech("one", frames=1)))
    assert [row.samples for row in rows(told, refined=False)] == [FRAME]
    told = bench.tick(A, Audio(1, speech("two", frames=1)))
    assert [row.tokens for row in rows(told, refined=False)] == [(1,)]
    assert [(row.samples, row.tokens, row.frames) for row in rows(told, refined=True)] == [(2 * FRAME, (0, 1), (0, 1))]
    assert bench.engine.slots_used == 2


def test_a_gateway_learns_of_a_second_pass_before_its_first_result(bench: Bench) -> None:
    bench.tick(A, opened(1))
    bench.tick(A, Audio(1, speech("one", frames=3)), wants(1, "on"), Audio(1, speech("two", "three")))
    news = [message for to, message in bench.sent if to == A]
    opened_in = next(
        i for i, message in enumerate(news) if any(isinstance(x, SecondPassChanged) for x in message.items)
    )
    found = [i for i, m in enumerate(news) if m.results is not None and any(row.refined for row in m.results.rows())]
    assert found
    assert opened_in < min(found)


def test_a_second_pass_in_mid_stream_says_where_it_starts(bench: Bench) -> None:
    bench.tick(A, opened(1))
    bench.tick(A, Audio(1, speech("one", frames=3)[:-200]))
    told = bench.tick(A, wants(1, "on"))
    [change] = [item for item in told if isinstance(item, SecondPassChanged)]
    assert change == SecondPassChanged(1, True, 3 * FRAME - 100)
    told = [*bench.tick(A, Audio(1, speech("two")[:-1000]), FlushSecondPass(1)), *bench.tick(A)]
    assert [(row.tokens, row.frames, row.mark) for row in rows(told, refined=True)] == [
        ((1,), (2,), None),
        ((), (), CAUGHT_UP),
    ]
    assert rows(told, refined=True)[-1].samples == 3 * FRAME - 100 + 2 * FRAME - 500


def test_both_passes_answer_a_flush_and_the_second_one_by_itself(bench: Bench) -> None:
    bench.tick(A, opened(1), wants(1, "on"))
    told = bench.tick(A, Audio(1, b"\0\0"), FlushStream(1, 5))
    assert [(row.mark, row.refined) for row in told if isinstance(row, ChunkResult)] == [(5, False), (5, True)]
    told = bench.tick(A, Audio(1, b"\0\0"), FlushSecondPass(1))
    assert [(row.mark, row.refined) for row in told if isinstance(row, ChunkResult)] == [(CAUGHT_UP, True)]


def test_a_last_flush_is_answered_by_both_and_gives_both_slots_back(bench: Bench) -> None:
    bench.tick(A, opened(1), wants(1, "on"))
    told = bench.tick(A, Audio(1, b"\0\0"), FlushStream(1, 7, last=True))
    assert sorted((row.mark, row.refined) for row in told if isinstance(row, ChunkResult)) == [(7, False), (7, True)]
    assert bench.engine.slots_used == 0
    assert len(bench.worker._table) == 0


def test_a_stream_of_the_longest_latency_gets_none_until_it_changes(bench: Bench) -> None:
    bench.tick(A, OpenStream(1, 160, "en-US"))
    assert second_passes(bench.tick(A, wants(1, "on", starting=True))) == []
    assert second_passes(bench.tick(A, UpdateStream(1, SettingsUpdate(latency_ms=80)))) == [(1, True)]
    assert second_passes(bench.tick(A, UpdateStream(1, SettingsUpdate(latency_ms=160)))) == [(1, False)]
    assert bench.engine.slots_used == 1


def test_refine_off_closes_the_second_pass(bench: Bench) -> None:
    bench.tick(A, opened(1), wants(1, "on"))
    assert second_passes(bench.tick(A, wants(1, "off"))) == [(1, False)]
    assert bench.engine.slots_used == 1
    assert second_passes(bench.tick(A, wants(1, "off"))) == []


def test_a_second_pass_that_is_wanted_for_certain_needs_a_slot() -> None:
    bench = bench_of(2)
    bench.tick(A, opened(1), opened(2))
    [refused] = bench.tick(A, wants(1, "on"))
    assert isinstance(refused, UpdateRefused)
    [failed] = bench.tick(A, wants(2, "on", starting=True))
    assert isinstance(failed, StreamFailure)
    assert failed.code == "server_full"
    assert second_passes(bench.tick(A, wants(1, "on"))) == [(1, True)]


def test_a_second_pass_that_is_wanted_for_certain_needs_time() -> None:
    bench = bench_of(8, timed(0.28))
    bench.tick(A, opened(1), opened(2))
    assert isinstance(bench.tick(A, wants(1, "on"))[0], UpdateRefused)
    bench.tick(A, CloseStream(2))
    assert second_passes(bench.tick(A, wants(1, "on"))) == [(1, True)]
    assert streams(bench.tick(A, opened(3)), StreamFailure) == [3]


def test_a_stream_takes_the_slot_of_the_newest_spare_second_pass() -> None:
    bench = bench_of(4)
    bench.tick(A, opened(1), opened(2))
    assert second_passes(bench.tick(A, wants(1, "auto"), wants(2, "auto"))) == [(1, True), (2, True)]
    told = bench.tick(A, opened(3))
    assert (second_passes(told), streams(told, StreamOpened)) == ([(2, False)], [3])
    bench.tick(A, CloseStream(3))
    bench.now += 1.0
    assert second_passes(bench.tick(A)) == [(2, True)]


def test_spare_second_passes_are_opened_while_there_is_time_and_closed_as_it_gets_short() -> None:
    bench = bench_of(16, timed(0.8))  # with 0.48 to spare: three streams and a second pass
    bench.tick(A, *(opened(stream) for stream in range(3)))
    told = bench.tick(A, *(wants(stream, "auto") for stream in range(3)))
    assert second_passes(told) == [(0, True)]
    bench.tick(A, opened(3), opened(4))
    told = bench.tick(A, opened(5))  # six streams take 0.75, and the second pass what is too much
    assert (second_passes(told), streams(told, StreamOpened)) == ([(0, False)], [5])
    bench.tick(A, *(CloseStream(stream) for stream in (3, 4, 5)))
    bench.now += 1.0
    assert second_passes(bench.tick(A)) == [(1, True)]  # who has waited longest


def test_steps_that_get_slower_cost_the_newest_second_passes() -> None:
    admission = timed(0.8)
    bench = bench_of(16, admission)
    bench.tick(A, opened(1), wants(1, "auto"))
    bench.tick(A, opened(2), wants(2, "auto"))
    assert bench.engine.slots_used == 4
    for latency in (80, 160):
        for _ in range(400):
            admission.observe(StepTiming(latency, 2, 0.05))
    bench.now += 1.0
    assert second_passes(bench.tick(A)) == [(2, False)]
    assert not admission.overloaded


def test_an_end_waits_for_a_second_pass_even_if_its_slot_is_wanted() -> None:
    bench = bench_of(2)
    bench.tick(A, opened(1), wants(1, "auto"))
    told = bench.tick(A, Audio(1, speech("one")), FlushStream(1, 3, last=True), opened(2))
    assert streams(told, StreamFailure) == [2]
    assert [row.tokens for row in rows(told, refined=True) if row.tokens] == [(0,)]
    assert streams(bench.tick(A, opened(2)), StreamOpened) == [2]


def test_certain_and_spare_change_into_each_other_without_a_break() -> None:
    admission = timed(0.8)
    bench = bench_of(4, admission)
    bench.tick(A, opened(1), wants(1, "auto"))
    load = admission.load
    assert second_passes(bench.tick(A, wants(1, "on"))) == []
    assert second_passes(bench.tick(A, wants(1, "auto"))) == []
    assert admission.load == load
    assert second_passes(bench.tick(A, opened(2), opened(3), opened(4))) == [(1, False)]


def test_spare_second_passes_do_not_count_as_slots_used() -> None:
    bench = bench_of(4)
    bench.tick(A, opened(1), opened(2), wants(1, "auto"), wants(2, "on"))
    bench.now += 1.0
    bench.tick(A)
    [stats] = [item for to, m in bench.sent if to == A for item in m.items if isinstance(item, WorkerStats)]
    assert (stats.slots_used, stats.full) == (3, False)


@pytest.mark.parametrize("leaving", ["close", "fail", "step"])
def test_however_a_stream_goes_its_second_pass_goes_with_it(leaving: str) -> None:
    admission = timed(0.8)
    bench = bench_of(4, admission)
    bench.tick(A, opened(1), opened(2), wants(1, "on"), wants(2, "auto"))
    bench.engine.poison, bench.engine.broken = 13, leaving == "step"
    leave: dict[str, list[GatewayItem | Audio]] = {
        "close": [CloseStream(1), CloseStream(2)],
        "fail": [FlushStream(1, 13), FlushStream(2, 13)],
        "step": [Audio(1, speech("one"))],
    }
    bench.tick(A, *leave[leaving])
    assert (bench.engine.slots_used, admission.load, bench.worker._table.second_passes) == (0, 0, 0)
    bench.now += 1.0
    assert second_passes(bench.tick(A)) == []


def test_streams_without_a_second_pass_send_what_they_always_sent(bench: Bench) -> None:
    bench.tick(A, opened(1))
    bench.tick(A, Audio(1, speech("one", frames=1)))
    [message] = [message for to, message in bench.sent if to == A]
    assert isinstance(message, FromWorker)
    assert message.results is not None
    assert message.results.refined == b""
