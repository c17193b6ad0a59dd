from __future__ import annotations

import numpy as np
import pytest

from auricle_server.bench.clips import Speakers
from auricle_server.bench.engine.clocks import VirtualClock
from auricle_server.bench.engine.live_streams import LiveRun
from auricle_server.bench.fleet.delays import QUANTILES, DelayTable, delay_table, waits_of
from auricle_server.bench.sizing.models import committed, of_cpu, of_model, sized_model
from auricle_server.bench.sizing.step_times import Basis, StepTimes, from_records
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.engine import Engine
from tests.auricle_server.bench.sizing.records import COMMITTED

TABLE = DelayTable(np.array([1.0, 11.0]), np.array([QUANTILES * 0.1, 0.1 + QUANTILES * 0.1]), np.array([0.1, 0.6]))


@pytest.mark.parametrize(
    ("model", "latency_ms", "weights"),
    [
        ("demo", 80, "float32"),
        ("demo", 160, "float32"),
        ("demo", 560, "float32"),
        ("nemotron-en", 560, "int8"),
        ("nemotron-en", 560, "fp16-weights"),
    ],
)
def test_the_simulated_wait_is_the_one_that_the_bench_measured(model: str, latency_ms: int, weights: str) -> None:
    known = sized_model(model)
    results = of_cpu(of_model(committed(COMMITTED), known), None)
    [record] = [
        each
        for each in results
        if each["figures"]["latency_ms"] == latency_ms and each["figures"].get("weights", "float32") == weights
    ]
    times = from_records([record], known.config, latency_ms)
    assert times is not None
    # As far as a worker is planned to be filled. With the last streams that it sustains, waits grow as they can.
    most = 0.8 * record["figures"]["sustained_streams"]
    held = [point for point in record["figures"]["tried"] if point["streams"] <= most]
    for point in (held[len(held) // 2], held[-1]):
        waits, _ = waits_of(times, point["streams"], large=model != "demo")
        # The steps of a run differ by a third from those of other runs; some wait twice for a step.
        assert 0.5 < np.median(waits) / point["wait_p50"] < 2.0, point["streams"]
        assert np.quantile(waits, 0.99) < latency_ms / 1000


def test_a_real_engine_beside_it_waits_as_long() -> None:
    streams, latency_ms = 12, 160
    clock = VirtualClock("cpu")
    engine = Engine(load_checkpoint("demo"), slots=streams, device="cpu", threads=1, clock=clock)
    engine.warm_up()
    run = LiveRun(engine, clock, Speakers(streams), streams, latency_ms)
    figures = run.run(0.3, 1.2)
    # Two sizes are known from this run: what most steps had, and what the largest had.
    rows = round(figures.rows.p50), round(max(figures.rows.p99, figures.rows.p50 + 1))
    seconds = figures.call.p50, max(figures.call.p95, figures.call.p50)
    times = StepTimes(latency_ms, rows, seconds, 64, Basis.MEASURED, "this test", on_gpu=False)
    waits, busy = waits_of(times, streams, large=False)
    assert 1 / 3 < np.median(waits) / figures.wait.p50 < 3
    assert busy == pytest.approx(figures.busy, abs=0.4)


def test_more_streams_wait_longer_and_keep_a_worker_busier() -> None:
    times = StepTimes(160, (1, 64), (0.010, 0.080), 64, Basis.MEASURED, "a test", on_gpu=False)
    table = delay_table(times, 60)
    assert table.streams[0] == 1
    assert table.streams[-1] == 60
    medians = table.waits[:, len(QUANTILES) // 2]
    assert medians[0] < medians[-1] < 0.16
    assert table.busy[0] < table.busy[-1] <= 1
    assert delay_table(times, 1).streams.tolist() == [1, 2]


def test_between_two_numbers_of_streams_the_wait_is_in_proportion() -> None:
    assert TABLE.quantiles(6)[100] == pytest.approx(0.1)
    assert TABLE.quantiles([0, 1, 6, 11, 50])[:, 0] == pytest.approx([0, 0, 0.05, 0.1, 0.1])
    assert TABLE.busy_at([0, 6]) == pytest.approx([0, 0.35])


def test_percentiles_count_each_stream_of_the_fleet() -> None:
    spent = np.zeros(12)
    assert TABLE.percentiles(spent)["p99"] == 0.0
    spent[1] = 100.0
    assert TABLE.percentiles(spent)["p50"] == pytest.approx(0.05, abs=0.002)
    spent[11] = 900.0
    mixed = TABLE.percentiles(spent)
    assert 0.14 < mixed["p50"] < 0.15
    assert mixed["max"] == pytest.approx(0.2)
