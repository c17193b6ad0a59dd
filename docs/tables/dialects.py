"""What unmodified clients of other servers were tried with, by the marks of the tests. Imports no test."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from docs.tables import Stale, table

TESTS = Path(__file__).parents[2] / "tests" / "dialects"
SCENARIOS = {
    "words": "Words",
    "turn ends": "Turn ends",
    "finalize": "Finalize answered",
    "full server": "Full server",
    "cut connection": "Cut connection",
    "wrong key": "Wrong key",
    "bad message": "Bad message",
    "silence": "Silence",
    "hour of silence": "An hour of silence",
}
"""What `@pytest.mark.dialect(client, scenario)` may name as the scenario, and the heads of the columns."""


def matrix() -> str:
    """Which client was tried with what: a row for each client, a column for each scenario."""
    proved: dict[str, set[str]] = defaultdict(set)
    for client, scenario in marks():
        proved[client].add(scenario)
    rows = [
        [client, *("✓" if scenario in proved[client] else "" for scenario in SCENARIOS)]
        for client in sorted(proved, key=str.lower)
    ]
    return table(["Client", *SCENARIOS.values()], rows)


def marks() -> Iterator[tuple[str, str]]:
    """Client and scenario of each mark in the tests.

    Raises:
        Stale: A mark names no scenario of the table, or not both names as plain strings.
    """
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.dialect":
                yield _names(node, path)


def _names(mark: ast.Call, path: Path) -> tuple[str, str]:
    match [argument.value if isinstance(argument, ast.Constant) else None for argument in mark.args]:
        case [str(client), str(scenario)] if scenario in SCENARIOS:
            return client, scenario
    known = ", ".join(map(repr, SCENARIOS))
    raise Stale(f"{path.name}:{mark.lineno}: a mark names a client and one of {known}, as plain strings")
