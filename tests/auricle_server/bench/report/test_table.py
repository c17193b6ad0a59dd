from __future__ import annotations

import json
from pathlib import Path

import pytest

from auricle_server.bench.report.results import DEFAULT_FOLDER, record, write
from auricle_server.bench.report.table import BEGIN, END, NoMarkers, inserted, render, update

ROOT = Path(__file__).parents[4]


def test_the_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert inserted(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"
    page = tmp_path / "page.md"
    page.write_text(text)
    assert update(page, tmp_path)
    assert not update(page, tmp_path)
    with pytest.raises(NoMarkers):
        inserted("nothing here", "new")


def test_every_engine_beside_ours_has_a_row(tmp_path: Path) -> None:
    source = next((ROOT / DEFAULT_FOLDER).rglob("engine-demo-560ms.json"))
    result = json.loads(source.read_text())
    theirs = {"streams": 0, "batch": 1, "ratio": 3.04, "seconds_per_second": 0.125}
    result["figures"]["rounds"] = {
        "ours": {"streams": 7, "seconds_per_second": 0.0201},
        "sherpa-onnx": theirs,
        "nemo": {**theirs, "streams": 5, "batch": 4},
    }
    (tmp_path / source.name).write_text(json.dumps(result))
    rows = [line for line in render(tmp_path).splitlines() if line.startswith("| demo") and " / 0.125 s " in line]
    assert [row.split(" | ")[2:7] for row in rows] == [
        ["7", "NeMo", "5 (4)", "3.0", "0.020 / 0.125 s"],
        ["7", "sherpa-onnx float32", "0 (1)", "3.0 in chunks a second", "0.020 / 0.125 s"],
    ]


def test_the_page_shows_what_the_results_say() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert inserted(page, render(ROOT / DEFAULT_FOLDER)) == page


def test_one_stream_and_another_checkout_have_tables(tmp_path: Path) -> None:
    spread = {"p50": 0.131, "p95": 0.15, "p99": 0.16, "max": 0.2, "count": 12}
    start = {"weights": "int8", "dtype": "float32", "isa": "avx2", "threads": 2, "start_seconds": 4.21}
    start |= {"peak_bytes": 1_400_000_000}
    one = {"step": spread, "real_time_factor": 0.234, "resident_bytes": 990_000_000}
    other = {"step": spread, "real_time_factor": 1.1, "resident_bytes": 3_000_000_000}
    figures = {"model": "random-en", "millions_of_parameters": 618.1, "dtype": "float32", "weights": "int8"}
    figures |= {"latency_ms": 560, "weight_bytes": 700_000_000, "one_stream": {**one, "start": start}}
    theirs = {"commit": "abc1234", "start": {**start, "weights": None}, "figures": other, "ratio": 4.7}
    figures |= {"against": theirs, "sustained_streams": 4, "limit": 9, "memory_bytes": 0}
    figures |= {"live": {"wait": spread, "step": spread, "rows": spread}, "transcripts": {"differing": 0, "words": 1}}
    write(record("engine", {"stopwatch": "wall"}, figures), tmp_path, "engine-random-en-560ms-int8")
    text = render(tmp_path)
    one_row = "| random-en (618 M, int8) | AVX2, 2 | 560 ms | 131 / 150 ms | 0.23 s | 4.2 s | 990, 1,400 MB | 700 MB |"
    assert one_row in text
    assert "| random-en (618 M, int8) | 560 ms | 0.23 s | abc1234 (float32) | 1.10 s | 3,000 MB | 4.7 |" in text
