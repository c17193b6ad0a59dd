"""Records, tables, pictures, and the command that makes them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auricle_server.bench.report.machine import commit, this_machine, versions
from auricle_server.bench.report.results import DEFAULT_FOLDER, load, record, write
from auricle_server.bench.report.table import BEGIN, END, NoMarkers, inserted, render, update
from auricle_server.commands.bench import bench
from tests.support import tones

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real record of two chunks, made by the real command with the small two-tone model."""
    out = tmp_path_factory.mktemp("results")
    chunks = ["--latency-ms", "80", "--latency-ms", "560"]
    options = ["--model", str(tones.CHECKPOINT), "--streams", "3", "--hold", "1", "--time", "cpu", "--out", str(out)]
    done = CliRunner().invoke(bench, ["engine", *chunks, *options])
    assert done.exit_code == 0, done.output
    return out


def test_the_engine_bench_writes_one_record_a_chunk(measured: Path) -> None:
    results = load(measured)
    assert sorted(result["figures"]["latency_ms"] for result in results) == [80, 560]
    for result in results:
        assert result["figures"]["sustained_streams"] == 3
        assert result["figures"]["transcripts"]["differing"] == 0
        assert result["figures"]["tried"][0]["streams"] == 3
        assert result["machine"]["cores"] >= 1
        assert "torch" in result["versions"]
        assert "out" not in result["options"]


def test_tables_hold_the_figures(measured: Path) -> None:
    text = render(measured)
    assert text.count("| 80 ms | at least 3 |") == 1
    assert "Beside NeMo" not in text
    figures = next(result["figures"] for result in load(measured) if result["figures"]["latency_ms"] == 560)
    assert f"{figures['live']['wait']['p50'] * 1e3:.0f} / {figures['live']['wait']['p99'] * 1e3:.0f} ms" in text


def test_pictures_are_drawn(measured: Path) -> None:
    done = CliRunner().invoke(bench, ["plot", "--results", str(measured)])
    assert done.exit_code == 0, done.output
    (picture,) = measured.glob("*.svg")
    assert picture.read_text().count("<svg") == 1


def test_the_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert inserted(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"
    page = tmp_path / "page.md"
    page.write_text(text)
    assert update(page, tmp_path)
    assert not update(page, tmp_path)
    with pytest.raises(NoMarkers):
        inserted("nothing here", "new")


def test_the_page_shows_what_the_results_say() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert inserted(page, render(ROOT / DEFAULT_FOLDER)) == page


def test_records_of_another_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(ValueError, match="format 1"):
        load(tmp_path)


def test_a_record_says_where_it_comes_from(tmp_path: Path) -> None:
    result = record("engine", {"hold": 1}, {"value": 0.123456789, "values": [1.23456789]})
    assert result["figures"] == {"value": 0.123457, "values": [1.234568]}
    path = write(result, tmp_path, "x")
    assert json.loads(path.read_text()) == result
    assert re.fullmatch(r"[a-z0-9-]+", this_machine().name)
    assert versions()["python"] == sys.version.split()[0]
    assert re.fullmatch(r"([0-9a-f]{7,}\+?)?", commit())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["engine", "--random-weights", "huge"], "no architecture 'huge'"),
        (["engine", "--baseline", "other"], "unknown baseline other"),
        (["engine", "--model", "/nowhere"], "no such file"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(bench, arguments)
    assert done.exit_code == 1
    assert sentence in " ".join((done.output + capfd.readouterr().err).split())


def test_make_gpu_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = CliRunner().invoke(bench, ["gpu"])
    assert done.exit_code == 1
    assert "needs an NVIDIA GPU" in done.output


def test_a_list_of_numbers_is_one_line_of_a_record(tmp_path: Path) -> None:
    figures = {"points": [[1, 0.5, -2e-05], [2]], "none": [], "text": "[\n 1,\n 2\n]", "mixed": [1, "a"]}
    path = write(record("serve", {}, figures), tmp_path, "x")
    assert "[1, 0.5, -2e-05]" in path.read_text()
    assert load(tmp_path)[0]["figures"] == figures
