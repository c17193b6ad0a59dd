from __future__ import annotations

import sys
from pathlib import Path

import pytest

from auricle_server.bench import MissingPackage
from auricle_server.bench.report.plot import plot
from auricle_server.bench.report.results import DEFAULT_FOLDER

RESULTS = Path(__file__).parents[4] / DEFAULT_FOLDER


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for path in RESULTS.glob("*/engine-demo-*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    return tmp_path


def test_one_picture_for_each_machine(results: Path) -> None:
    (path,) = plot(results)
    assert path.parent == results
    assert path.read_text().count("<svg") == 1


def test_without_matplotlib_it_says_how_to_install_it(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackage, match=r"pip install '\.\[bench\]'"):
        plot(results)
