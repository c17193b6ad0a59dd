"""The tables of docs/cpu.md, from records as the benches write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.tables import cpu

START = {"isa": "avx2", "threads": 2, "start_seconds": 6.04, "peak_bytes": 1_300_000_000, "weights": "int8"}


def one_stream(factor: float) -> dict[str, Any]:
    return {"start": START, "real_time_factor": factor, "resident_bytes": 900_000_000}


def engine_record(weights: str, latency_ms: int, factor: float, streams: int) -> dict[str, Any]:
    figures = {"model": "random-en", "latency_ms": latency_ms, "weights": weights, "weight_bytes": 620_000_000}
    return {
        "kind": "engine",
        "date": "2026-11-30T06:00:00+00:00",
        "commit": "abc1234",
        "machine": {"name": "laptop", "cores": 2, "cpu": "Some CPU"},
        "figures": {**figures, "one_stream": one_stream(factor), "sustained_streams": streams},
    }


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cpu, "RESULTS", tmp_path)
    return tmp_path


def written(folder: Path, *records: dict[str, Any]) -> None:
    for number, record in enumerate(records):
        (folder / f"engine-random-en-{number}.json").write_text(json.dumps(record))


def test_without_records_it_is_said_that_nothing_was_measured(results: Path) -> None:
    assert cpu.speed_tables() == "No measured figures yet."


def test_formats_stand_beside_each_other(results: Path) -> None:
    written(
        results,
        engine_record("float32", 560, 0.9, 1),
        engine_record("int8", 560, 0.184, 5),
        engine_record("int8", 80, 0.52, 2),
    )
    text = cpu.speed_tables()
    assert text.startswith("2 cores of Some CPU, AVX2, 2 threads; 2026-11-30, commit abc1234:")
    assert "| random-en | 80 ms | – | – | 0.52 s | – | – | 2 |" in text
    assert "| random-en | 560 ms | 0.90 s | – | 0.18 s | 1 | – | 5 |" in text
    assert "| random-en | int8 | 6.0 s | 0.62 GB | 0.90 GB | 1.30 GB |" in text
    assert "earlier commit" not in text


def test_an_earlier_commit_has_a_table(results: Path) -> None:
    record = engine_record("int8", 560, 0.184, 5)
    record["figures"]["against"] = {"commit": "0ld", "ratio": 4.96, "figures": {"real_time_factor": 0.91}}
    written(results, record)
    assert "| random-en | 560 ms | int8 | 0.18 s | 0.91 s (0ld) | 5.0 |" in cpu.speed_tables()


def test_accuracy_is_given_against_float32() -> None:
    row = {"tokens": 6947, "changed": 0, "changed_percent": 0.0, "words": 2961, "wer_percent": 9.56}
    rounded = {**row, "changed": 61, "changed_percent": 0.878, "wer_percent": 9.73}
    sensitive = {"latency_ms": 560, "rows": {"layer 1": {**rounded, "encoder_error": 0.0123}}}
    figures = {
        "weight_levels": 127,
        "encoder_error": {"float32": 0.0, "int8": 0.0171},
        "latencies": {"80 ms": {"float32": row, "int8": rounded}},
        "sensitivity": sensitive,
    }
    text = cpu.accuracy_tables({"figures": figures})
    assert (
        "2,961 words; float32: 9.56 % at 80 ms. The int8 of the processor that measured has weights of 8 bits." in text
    )
    assert "| 80 ms | int8 | 61 of 6,947 (0.88 %) | 9.73 % | +0.17 | 1.7e-02 |" in text
    assert "| layer 1 | 1.2e-02 | 61 of 6,947 | 9.73 % |" in text
