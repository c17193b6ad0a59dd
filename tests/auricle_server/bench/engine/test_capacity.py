from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.bench.engine import capacity
from auricle_server.bench.engine.capacity import run
from auricle_server.bench.engine.options import EngineOptions
from auricle_server.bench.report.results import load
from tests.support import tones

ROOT = Path(__file__).parents[4]
OPTIONS = EngineOptions(
    model=str(tones.CHECKPOINT),
    latencies_ms=(560,),
    hold=0.5,
    ramp=0.0,
    compare=2,
    stopwatch="cpu",
    one_stream=False,
)


def test_the_search_ends_at_its_upper_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "CHUNKS_HELD", 2)
    lines: list[str] = []
    (result,) = run(replace(OPTIONS, most=3, out=tmp_path), lines.append)
    figures = result["figures"]
    assert figures["limit"] == 3
    assert figures["sustained_streams"] == max(point["streams"] for point in figures["tried"] if point["sustained"])
    assert figures["transcripts"]["streams"] == 2
    assert figures["latency_ms"] == 560
    assert [loaded["figures"] for loaded in load(tmp_path)] == [json.loads(json.dumps(figures))]
    assert any("streams: sustained" in line for line in lines)


def test_a_search_ends_with_its_share_of_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    now, began = time.monotonic, time.monotonic()
    # Each number of streams takes more than the time of its latency.
    monkeypatch.setattr(time, "monotonic", lambda: now() + 500.0 * sum("wait p50" in line for line in lines))
    options = replace(
        OPTIONS, streams=None, most=64, latencies_ms=(560, 1120), budget=900.0, one_stream=False, out=tmp_path
    )
    records = run(options, lines.append)
    assert [len(one["figures"]["tried"]) for one in records] == [1, 1]
    assert sum("not tried, the time budget is used up" in line for line in lines) == 2
    assert now() - began < 250


def test_one_stream_alone_comes_first_and_the_search_starts_at_what_it_suggests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "CHUNKS_HELD", 2)
    monkeypatch.setattr(capacity, "FIRST_LOAD", 0.05)
    lines: list[str] = []
    (result,) = run(replace(OPTIONS, most=8, dtype="int8", one_stream=True, out=tmp_path), lines.append)
    figures = result["figures"]
    alone = figures["one_stream"]
    assert alone["step"]["p50"] <= alone["step"]["p95"]
    assert 0 < alone["real_time_factor"] < 1
    assert alone["start"]["weights"] == figures["weights"] == "int8"
    assert 0 < figures["weight_bytes"] < alone["resident_bytes"]
    suggested = max(1, min(8, int(capacity.FIRST_LOAD / alone["real_time_factor"])))
    first = next(line for line in lines if " streams: " in line)
    assert first.startswith(f"560 ms, {suggested} streams: ")
    assert [path.stem.endswith("-560ms-int8") for path in tmp_path.iterdir()] == [True]


def test_a_slow_model_is_searched_from_one_stream_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(capacity, "CHUNKS_HELD", 2)
    monkeypatch.setattr(capacity, "FIRST_LOAD", 1e-9)
    lines: list[str] = []
    run(replace(OPTIONS, most=2, one_stream=True, out=tmp_path), lines.append)
    assert next(line for line in lines if " streams: " in line).startswith("560 ms, 1 streams: ")


def test_another_checkout_is_measured_too_and_named_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "CHUNKS_HELD", 2)
    (result,) = run(replace(OPTIONS, streams=1, against=ROOT, out=tmp_path), print)
    against = result["figures"]["against"]
    assert against["commit"] == result["commit"]
    assert against["figures"]["tokens_per_second"] == result["figures"]["one_stream"]["tokens_per_second"]
    assert "against" not in result["options"]


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no checkout of Auricle"):
        run(replace(OPTIONS, against=tmp_path), print)


def test_no_latency_is_started_after_the_budget(tmp_path: Path) -> None:
    lines: list[str] = []
    assert run(replace(OPTIONS, streams=1, budget=1e-9, out=tmp_path), lines.append) == []
    assert lines[-1] == "560 ms: skipped, the time budget is used up"


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown baseline other"):
        run(replace(OPTIONS, baselines=("other",)), print)
