"""What the committed simulation of a fleet says."""

from __future__ import annotations

import json
from typing import Any

from docs.tables import RESULTS, table

Scenario = dict[str, Any]


def fleet_table() -> str:
    """The scenarios of the newest record of `auricle bench fleet`, and of what kind of server it is."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.rglob("fleet-*.json"))]
    if not found:
        return "No simulated figures yet."
    newest = max(found, key=lambda result: str(result["date"]))
    figures, machine = newest["figures"], newest["machine"]
    about = (
        f"Simulated on {machine['cores']} cores of {machine['cpu']}, {newest['date'][:10]}, commit {newest['commit']}. "
        f"Servers with one {figures['server']} each, {newest['options']['model']} at "
        f"{newest['options']['latency_ms']} ms, {figures['streams_per_server']:,} streams; step times: "
        f"{figures['basis']} ({figures['source']})."
    )
    head = "Scenario", "Servers", "Load", "Calls", "Refused", "Moved", "Without a server, p50 / p99", "Wait, p50 / p99"
    return f"{about}\n\n{table([*head, 'Servers updated'], [_row(*each) for each in figures['scenarios'].items()])}"


def _row(name: str, scenario: Scenario) -> list[str]:
    cut, wait = scenario["interruption"], scenario["delay"]
    minutes = scenario["update_seconds"]
    updated = f"{scenario['updated']:,}" + ("" if minutes is None else f" in {minutes / 60:.0f} min")
    return [
        f"`{name}`",
        f"{scenario['servers']:,}",
        f"{scenario['load']:.0%}",
        f"{scenario['calls']:,}",
        f"{scenario['refused']:,} ({scenario['refused'] / max(1, scenario['calls']):.1%})",
        f"{scenario['moved']:,}",
        f"{cut['p50']:.1f} / {cut['p99']:.1f} s" if scenario["moved"] else "–",
        f"{wait['p50'] * 1e3:.1f} / {wait['p99'] * 1e3:.1f} ms",
        updated if scenario["updated"] else "–",
    ]
