from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.bench.report.results import DEFAULT_FOLDER
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


def test_the_page_shows_what_the_results_say() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert inserted(page, render(ROOT / DEFAULT_FOLDER)) == page
