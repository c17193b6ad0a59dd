from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.bench.models.bench_models import BenchModel, bench_model
from auricle_server.bench.report.summaries import Spread
from auricle_server.bench.server.clients import Report
from auricle_server.bench.server.criterion import Load
from auricle_server.bench.server.load_test import ServeOptions, _ServeBench
from auricle_server.bench.server.process_usage import Usage
from auricle_server.engine.build import Hardware
from tests.auricle_server.bench.server.test_criterion import GOOD
from tests.support import tones

OPTIONS = ServeOptions(model=str(tones.CHECKPOINT), workers=2, gateways=3, client_processes=4, seconds=5.0, ramp=2.0)


@pytest.fixture(scope="module")
def model() -> BenchModel:
    return bench_model(str(tones.CHECKPOINT), None, device="cpu", threads=1)


def bench_of(model: BenchModel, options: ServeOptions = OPTIONS) -> _ServeBench:
    return _ServeBench(options, model, options.model, Hardware("cpu"), lambda _: None)


def test_every_stream_is_in_one_plan_and_all_start_together(model: BenchModel) -> None:
    plans = bench_of(model)._plans("ws://127.0.0.1:8765/v1/stream", 10, 4)
    numbers = [number for plan in plans for number in range(plan.first, plan.first + plan.streams)]
    assert numbers == list(range(10))
    assert {plan.streams for plan in plans} <= {2, 3}
    assert {(plan.host, plan.port, plan.seconds) for plan in plans} == {("127.0.0.1", 8765, 7.0)}
    (start,) = {plan.start for plan in plans}
    assert start > time.monotonic()


def test_the_server_gets_slots_for_all_streams_and_no_limit_by_load(model: BenchModel) -> None:
    options = bench_of(model)._server_options(9)
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert int(given["--slots"]) >= 5  # on each of two workers
    assert (given["--workers"], given["--gateways"], given["--max-load"]) == ("2", "3", "0")


def test_the_search_reports_the_largest_number_without_problems(
    model: BenchModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_disk: list[int] = []
    names = tmp_path.iterdir

    async def measure(_self: _ServeBench, streams: int) -> Load:
        on_disk.append(len(list(names())))
        return replace(GOOD, streams=streams, missing=int(streams > 11))

    monkeypatch.setattr(_ServeBench, "_load", measure)
    bench = bench_of(model, replace(OPTIONS, streams=None, most=64, out=tmp_path))
    bench.find()
    result, wrong = bench.written()
    figures = result["figures"]
    assert figures["capacity_streams"] == figures["load"]["streams"] == 11
    assert [one["streams"] for one in figures["tried"]] == [4, 8, 16, 12, 10, 11]
    assert (figures["tried"][2]["problems"], wrong) == (["1 finals missing"], [])
    assert on_disk == [0, 1, 1, 1, 1, 1], "the record is there before the search is over"


def test_a_search_without_time_ends_with_what_it_has(
    model: BenchModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def measure(_self: _ServeBench, streams: int) -> Load:
        await asyncio.sleep(0.5)
        return replace(GOOD, streams=streams, missing=int(streams > 30))

    monkeypatch.setattr(_ServeBench, "_load", measure)
    bench = bench_of(model, replace(OPTIONS, streams=None, first=20, out=tmp_path, budget=1.2))
    bench.find()
    figures = bench.written()[0]["figures"]
    assert figures["capacity_streams"] == 20
    assert [one["streams"] for one in figures["tried"]] == [20, 40]


def test_a_report_becomes_a_load(model: BenchModel) -> None:
    report = Report(missing=2, errors={"closed 1006": 1})
    report.lateness.extend([0.001, 0.003])
    report.lag.extend([0.1] * 5 + [0.3] * 5)
    usage = Usage(gpu=[50.0, 70.0])
    usage.cores["worker"] += [0.5, 1.5]
    usage.memory["worker"] += [2_000_000]
    load = bench_of(model)._summary(3, 1.5, report, usage, "", "")
    assert (load.streams, load.ready_seconds, load.missing, load.errors) == (3, 1.5, 2, {"closed 1006": 1})
    assert load.client_lateness == Spread.of([0.001, 0.003])
    assert load.drift == pytest.approx(0.2)
    assert (load.cores, load.gpu_percent, load.memory_megabytes) == ({"worker": 1.0}, 60.0, {"worker": [2.0]})
    assert (load.word_error_rate, load.step_p99) == (0.0, 0.0)  # no texts, no steps
