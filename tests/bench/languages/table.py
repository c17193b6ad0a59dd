"""The figures as tables for people."""

from __future__ import annotations

from collections.abc import Mapping

from demo_model.prompts import PROMPT_OF

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
_COLUMNS = (*PROMPT_OF, "all")
_HEADING = """# Five languages at once

{talks} talks of three held-out synthetic sentences in each language, half of them in noise, in a room or over the
telephone, through a real server with a stream of each language at a time: word error rate in percent, lower-cased
without punctuation. Made by `python -m tests.bench.languages`.
"""
_AUTO = """
## Left to find out (`auto`)

In brackets the share of talks whose language was named rightly in the last final.

"""
_NAMED = """
Median time from the start of a talk to the first event that names its language, which the model does behind the first
sentence: {named} s at 160 ms.
"""
_TOLD = """
## Told

"""
_CHANGING = """
## Changing in mid-stream

The sentences behind the change. *Told* switches the prompt in band; *kept* goes on under the first language's prompt.

"""


def markdown(figures: Figures, talks: int) -> str:
    """All tables."""
    parts = [_HEADING.format(talks=talks), _AUTO, _rows(figures, " auto", named=True)]
    parts.append(_NAMED.format(named=f"{figures['160 ms auto']['all']['named_after_p50']:.1f}"))
    parts += [_TOLD, _rows(figures, " told", named=False), _CHANGING, _changing(figures)]
    return "".join(parts)


def _rows(figures: Figures, suffix: str, *, named: bool) -> str:
    chosen = {name.removesuffix(suffix): row for name, row in figures.items() if name.endswith(suffix)}
    return _table("Chunk", {name: row for name, row in chosen.items() if "changing" not in name}, named=named)


def _changing(figures: Figures) -> str:
    chosen = {name.replace(" changing ", ", "): row for name, row in figures.items() if "changing" in name}
    return _table("Setting", chosen, named=True)


def _table(first: str, rows: Mapping[str, Mapping[str, Mapping[str, float]]], *, named: bool) -> str:
    lines = [[first, *_COLUMNS], ["---"] * (len(_COLUMNS) + 1)]
    lines += [[name, *(_cell(row[column], named=named) for column in _COLUMNS)] for name, row in rows.items()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(figures: Mapping[str, float], *, named: bool) -> str:
    wer = f"{figures['wer_percent']:.1f}"
    return f"{wer} ({figures['named_percent']:.0f})" if named else wer
