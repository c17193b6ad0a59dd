"""`auricle bench`: records, tables, plots and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from auricle_server.bench.report.results import load
from auricle_server.bench.report.table import render
from auricle_server.commands.bench import bench
from tests.support import tones


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["engine", "--random-weights", "huge"], "no architecture 'huge'"),
        (["engine", "--baseline", "other"], "unknown baseline other"),
        (["engine", "--model", "/nowhere"], "no such file"),
    ],
)
def test_bad_options_are_named(arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(bench, arguments)
    assert done.exit_code == 1
    assert sentence in " ".join((done.output + capfd.readouterr().err).split())


def test_make_gpu_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = CliRunner().invoke(bench, ["gpu"])
    assert done.exit_code == 1
    assert "needs an NVIDIA GPU" in done.output
