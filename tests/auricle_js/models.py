"""The inner parts of the module, asked by tests that hold them against their Python models."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from auricle.protocol import codec
from tests.support.browser.node import run_node

SEEDS = range(60)


async def of_javascript(kind: str, given: list[dict[str, Any]], folder: Path) -> list[Any]:
    (folder / "cases.json").write_text(json.dumps([{"kind": kind, "given": each} for each in given]))
    told: list[Any] = json.loads(await run_node(Path(__file__).with_name("models.mjs"), folder / "cases.json"))
    return told


def wire(message: Any) -> Any:
    return json.loads(codec._encode(message))


def without_none(settings: Any) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(settings).items() if value is not None}


def rounded(value: Any) -> Any:
    """Sums in another order differ in their last bits."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return {name: rounded(each) for name, each in value.items()} if isinstance(value, dict) else value
