"""The alerts of `deploy/prometheus`, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from docs.tables import table

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "auricle.rules.yaml"


def rules() -> list[dict[str, Any]]:
    """Every rule of all groups, as the file has it: those that record and those that alert."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts_table() -> str:
    """Every alert: its runbook, when it fires, and how much it matters."""
    rows = [
        [
            f"[{rule['alert']}](runbooks.md#{rule['alert'].lower()})",
            f"`{rule['expr']}`",
            rule.get("for", "at once"),
            rule["labels"]["severity"],
        ]
        for rule in rules()
        if "alert" in rule
    ]
    return table(["Alert", "Expression", "For", "Severity"], rows)
