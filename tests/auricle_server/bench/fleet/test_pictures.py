from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from auricle_server.bench import MissingPackage
from auricle_server.bench.fleet.pictures import draw
from tests.auricle_server.bench.sizing.records import COMMITTED

DOCS = Path(__file__).parents[4] / "docs" / "pictures"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    for path in COMMITTED.glob("*/fleet-*.json"):
        (folder / path.name).write_text(path.read_text())
    return folder


def test_the_pages_have_the_pictures_of_the_newest_record(results: Path, tmp_path: Path) -> None:
    drawn = draw(results, tmp_path / "drawn")
    assert {path.name for path in drawn} == {path.name for path in DOCS.glob("fleet-*.svg")}
    for path in drawn:
        assert path.read_text().count("<svg") == 1
    # Twice the same, so that a picture changes only with its record.
    again = draw(results, tmp_path / "again")
    assert [path.read_text() for path in drawn] == [path.read_text() for path in again]


def test_without_a_record_nothing_is_drawn(tmp_path: Path) -> None:
    assert draw(tmp_path, tmp_path) == []


def test_only_the_scenarios_that_were_run_are_drawn(results: Path, tmp_path: Path) -> None:
    [path] = results.iterdir()
    record = json.loads(path.read_text())
    record["figures"]["scenarios"] = {"day": record["figures"]["scenarios"]["load-75"]}
    path.write_text(json.dumps(record))
    assert [each.name for each in draw(results, tmp_path)] == ["fleet-waits.svg", "fleet-day.svg"]


def test_without_matplotlib_it_says_how_to_install_it(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackage, match=r"pip install '\.\[bench\]'"):
        draw(results, results)
