"""One stream by itself, and beside the same of another checkout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.bench.engine import one_stream
from auricle_server.bench.engine.engine_process import ChunkTimes
from auricle_server.bench.engine.one_stream import OneStreamFigures, OneStreamOptions, measure_one_stream
from auricle_server.bench.report.machine import commit
from tests.support import tones

ROOT = Path(__file__).parents[4]
OPTIONS = OneStreamOptions(model=str(tones.CHECKPOINT), dtype="float32", threads=1, latencies_ms=(560,))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_stream, "SECONDS", 0.5)
    monkeypatch.setattr(one_stream, "CHUNKS", 4)


def test_figures_are_those_of_all_parts() -> None:
    parts = [ChunkTimes((0.1, 0.3), 0.5, 2, 100), ChunkTimes((0.2, 0.2), 0.3, 3, 120)]
    figures = OneStreamFigures.of(500, parts)
    assert figures.step.p50 == pytest.approx(0.2)
    assert figures.step.count == 4
    assert figures.real_time_factor == pytest.approx(0.4)  # 0.8 s for 2 s of audio
    assert figures.processor_factor == pytest.approx(0.4)
    assert figures.tokens_per_second == pytest.approx(2.5)
    assert figures.resident_bytes == 120


def test_each_latency_is_measured_by_itself() -> None:
    lines: list[str] = []
    results = list(measure_one_stream(replace(OPTIONS, latencies_ms=()), lines.append))
    assert [result.figures.latency_ms for result in results] == [80, 160, 560, 1120]
    assert all(result.against is None for result in results)
    assert results[0].record()["one_stream"]["start"]["threads"] == 1
    assert any(line.startswith("80 ms, one stream: step p50") for line in lines)


def test_another_checkout_is_measured_in_turns() -> None:
    lines: list[str] = []
    (result,) = measure_one_stream(replace(OPTIONS, against=ROOT), lines.append)
    assert result.against is not None
    assert result.against.figures.step.count == result.figures.step.count == 4
    assert result.against.figures.tokens_per_second == result.figures.tokens_per_second  # the same engine
    assert result.against.ratio > 0
    assert result.against.processor_ratio > 0
    assert result.against.commit == commit(ROOT)
    assert str(ROOT) not in json.dumps(result.record())
    assert "times ours" in lines[-1]
