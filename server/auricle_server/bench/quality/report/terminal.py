"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auricle_server.bench.quality.comparison import compare
from auricle_server.bench.quality.report.record import without_folders
from auricle_server.bench.quality.report.summary import (
    COMPARISON_HEAD,
    LANGUAGE_HEAD,
    Column,
    behaviour_columns,
    comparison_rows,
    ends_columns,
    language_rows,
    remarks,
    words_columns,
)
from auricle_server.bench.quality.setting_run import EvaluationRow


def show(rows: Sequence[EvaluationRow], console: Console) -> None:
    """Prints the tables, and what was left out or failed."""
    models = sorted({without_folders(row.model) for row in rows})
    console.print(_of_columns(f"Words, {', '.join(models)}", words_columns(rows), rows))
    console.print(_of_columns("Starts and ends", ends_columns(rows), rows))
    console.print(_of_columns("Behaviour", behaviour_columns(rows), rows))
    if languages := language_rows(rows):
        console.print(_table("Languages", LANGUAGE_HEAD, languages))
    if pairs := compare(rows):
        console.print(_table("Side by side", COMPARISON_HEAD, comparison_rows(rows, pairs)))
    for remark in remarks(rows):
        console.print(Text(remark))


def _of_columns(title: str, columns: Sequence[Column], rows: Sequence[EvaluationRow]) -> Table:
    return _table(title, [head for head, _ in columns], [[cell(row) for _, cell in columns] for row in rows])


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for column in head:
        # Folded where the terminal is narrow: half a figure would be a wrong one.
        table.add_column(Text(column), overflow="fold")
    for cells in rows:
        table.add_row(*map(Text, cells))
    return table
