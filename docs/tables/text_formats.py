"""What becomes of phrases in each text format, from the formatter itself."""

from __future__ import annotations

from auricle_server.text.formatting import Formatter
from docs.tables import table

_SAID = (
    "I have twenty-three apples and five pears.",
    "The code is four two seven one.",
    "Call five five five, one two three, four five six seven.",
    "It costs five dollars and twenty cents.",
    "Three point five million people, or two percent.",
    "On March fifth, twenty twenty six, at three thirty p.m.",
    "The twenty first of June.",
    "It's john dot smith at example dot com.",
)


def text_formats_table() -> str:
    """Phrases as they were said, and in the formats ``"numerals"`` and ``"smart"``."""
    numerals, smart = Formatter("numerals"), Formatter("smart")
    rows = [[said, numerals.text(said), smart.text(said)] for said in _SAID]
    return table(["Said", "`numerals`", "`smart`"], rows)
