"""Figures as files: one JSON a run, with all that they depend on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auricle_server.bench.report.machine import commit, this_machine, versions

DEFAULT_FOLDER = Path("tests/bench/results")
FORMAT = 1
"""Of the files; a reader refuses others."""
_DIGITS = 6
_NUMBERS = re.compile(r"\[\n\s+(-?\d[\d.eE+-]*(?:,\n\s+-?\d[\d.eE+-]*)*)\n\s+\]")
"""A list of nothing but numbers, one to a line."""


def record(kind: str, options: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """A run's figures with the machine, versions, commit, date and options that they belong to."""
    return {
        "format": FORMAT,
        "kind": kind,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(this_machine()),
        "versions": versions(),
        "commit": commit(),
        "options": dict(options),
        "figures": _rounded(dict(figures)),
    }


def write(result: Mapping[str, Any], out: Path | None, name: str) -> Path:
    """Writes a run's record to ``<out>/<name>.json``; the default folder is named for the machine."""
    folder = out or DEFAULT_FOLDER / result["machine"]["name"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(_NUMBERS.sub(_on_one_line, json.dumps(result, indent=2, ensure_ascii=False)) + "\n")
    return path


def _on_one_line(numbers: re.Match[str]) -> str:
    return "[" + " ".join(numbers[1].split()) + "]"


def load(folder: Path) -> list[dict[str, Any]]:
    """All records below a folder, in the order of their paths.

    Raises:
        ValueError: A file is of another format.
    """
    results = []
    for path in sorted(folder.rglob("*.json")):
        result = json.loads(path.read_text())
        if result.get("format") != FORMAT:
            raise ValueError(f"{path} is not a record of format {FORMAT}; it was not written by this `auricle bench`")
        results.append(result)
    return results


def _rounded(value: Any) -> Any:
    """The same with fewer digits: more than anybody can measure."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
