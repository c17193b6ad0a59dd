"""The tables on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from auricle_server.bench.quality.report.terminal import show
from tests.auricle_server.bench.quality.builders import row, score

SCORE = score("[bold]call[/] him back", "call him", language="de")


def shown(*rows: object) -> str:
    out = StringIO()
    show(list(rows), Console(file=out, width=220))  # type: ignore[arg-type]  # rows are rows
    return out.getvalue()


def test_one_system_has_two_tables() -> None:
    text = shown(row({0: SCORE}, failures={1: "[red]broke[/]"}))
    assert "Words, demo" in text
    assert "Behaviour" in text
    assert "live, 560 ms" in text
    assert "Side by side" not in text
    assert "Languages" not in text
    assert "[red]broke[/]" in text  # what others wrote is no markup


def test_more_tables_where_there_is_more() -> None:
    scores = {0: SCORE, 1: score("yes", "yes")}
    text = shown(row(scores), row(scores, cures="off"))
    assert "Side by side" in text
    assert "no clear difference" in text
    assert "Languages" in text
