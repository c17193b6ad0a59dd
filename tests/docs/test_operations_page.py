"""The page for operators names every error, signal and refusal that there is."""

from __future__ import annotations

import re
from pathlib import Path

from auricle.protocol.codes import CODES
from auricle_server.gateway import errors
from auricle_server.serving.processes import PARENTS_SIGNALS

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table rows between a heading, or a sentence, and the next heading."""
    _, _, rest = PAGE.partition(heading)
    section = re.split(r"^#+ ", rest, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_error_code_says_what_to_do() -> None:
    named = {code for cells in rows("In a stream.") for code in re.findall(r"`(\w+)`", cells[0])}
    assert named == set(CODES)


def test_every_refusal_is_there_with_its_status() -> None:
    named = {
        (int(cells[0]), code)
        for cells in rows("Before the upgrade")
        for code in re.findall(r"`(\w+)`", cells[1])
        if cells[0].isdigit()
    }
    refusals = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refusal)}
    assert {(kind.status, kind.code) for kind in refusals - {errors.Refusal}} <= named


def test_every_signal_that_the_server_handles_is_there() -> None:
    named = " ".join(cells[0] for cells in rows("## Signals"))
    assert {signal.name for signal in PARENTS_SIGNALS} <= set(re.findall(r"SIG\w+", named))
