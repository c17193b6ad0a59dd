from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.bench.gpu.paper import parts_table, slots, streams_table

PAGE = Path(__file__).parents[4] / "docs" / "gpu.md"


@pytest.mark.parametrize("table", [streams_table, parts_table])
def test_the_page_has_the_tables_of_the_code(table: object) -> None:
    assert callable(table)
    assert table() in PAGE.read_text(), f"put into docs/gpu.md:\n{table()}"


def test_the_page_names_the_streams_that_memory_holds() -> None:
    text = PAGE.read_text()
    assert f"{slots(False):,} streams" in text
    assert f"{slots(True):,} streams" in text


def test_every_experiment_helps_and_all_together_help_most() -> None:
    for line in streams_table().splitlines()[2:]:
        plain, *others = (int(cell.replace(",", "")) for cell in line.split("|")[3:-1])
        assert all(each > plain for each in others)
        assert max(others) == others[-1]
