"""Result files: one JSON file for each run, with the machine, versions, commit and options of the run."""

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
"""Version of the file format; `load` refuses others."""
LEFT_OUT = ("out", "against")
_DIGITS = 6
_NUMBERS = re.compile(r"\[\n\s+(-?\d[\d.eE+-]*(?:,\n\s+-?\d[\d.eE+-]*)*)\n\s+\]")
"""A list of numbers, one on each line."""


def record(kind: str, options: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a run, without the options in `LEFT_OUT`: a folder of the machine is not a part of a result."""
    return {
        "format": FORMAT,
        "kind": kind,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(this_machine()),
        "versions": versions(),
        "commit": commit(),
        "options": {name: value for name, value in options.items() if name not in LEFT_OUT},
        "figures": _rounded(dict(figures)),
    }


def write(result: Mapping[str, Any], out: Path | None, name: str) -> Path:
    """Writes a record to ``<out>/<name>.json`` and returns the path; the default folder bears the machine's name."""
    folder = out or DEFAULT_FOLDER / result["machine"]["name"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(serialised(result))
    return path


def serialised(result: Mapping[str, Any]) -> str:
    """A record as the text of its file."""
    return _NUMBERS.sub(_on_one_line, json.dumps(result, indent=2, ensure_ascii=False)) + "\n"


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
            raise ValueError(
                f"{path} is not a record of format {FORMAT}: this version of `auricle bench` did not write it"
            )
        results.append(result)
    return results


def _rounded(value: Any) -> Any:
    """The value with floats rounded to `_DIGITS` digits, recursively."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
