from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.bench.engine import capacity
from auricle_server.bench.engine.capacity import run
from auricle_server.bench.engine.options import EngineOptions
from auricle_server.bench.report.results import load
from tests.support import tones

OPTIONS = EngineOptions(
    model=str(tones.CHECKPOINT), latencies_ms=(560,), hold=0.5, ramp=0.0, compare=2, stopwatch="cpu"
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


def test_no_latency_is_started_after_the_budget(tmp_path: Path) -> None:
    lines: list[str] = []
    assert run(replace(OPTIONS, streams=1, budget=1e-9, out=tmp_path), lines.append) == []
    assert lines[-1] == "560 ms: skipped, the time budget is used up"


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown baseline other"):
        run(replace(OPTIONS, baselines=("other",)), print)
