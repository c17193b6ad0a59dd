"""Results of the evaluation as a record, a table and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.bench.turns import signals
from tests.bench.turns.measure import (
    BUDGETS,
    CUTOFFS,
    Point,
    best_within,
    by_condition,
    cuts_by_kind,
    fastest_with,
    latency_by_kind,
)
from tests.bench.turns.simulate import System, systems
from tests.bench.turns.traces import LATENCIES_MS, Trace

DEFAULT_LATENCY_MS = 160
_TYPICAL_BUDGET = 0.6
"""Seconds; the operating point whose pauses and conditions are listed one by one."""
_TYPICAL_SILENCE = "400"
"""Milliseconds of silence at which the signals are compared in detail."""
_LATEST = 2.0
"""Seconds of latency at which the picture ends."""
_LATENT = ("Auricle, silence", "Auricle, semantic")
"""Systems whose results depend on the decoder's latency enough to be listed at each."""

Figures = dict[str, Any]


def figures(traces: Sequence[Trace]) -> Figures:
    """All that is measured."""
    return {
        "audio_minutes": sum(trace.conversation.seconds for trace in traces) / 60,
        "conversations": len(traces),
        "systems": [measured(system, traces) for system in systems(DEFAULT_LATENCY_MS)],
        "by_latency": {
            latency: [measured(system, traces) for system in systems(latency) if system.name in _LATENT]
            for latency in LATENCIES_MS
        },
        "signals": signals.table(traces, DEFAULT_LATENCY_MS),
    }


def measured(system: System, traces: Sequence[Trace]) -> Figures:
    """One system: its operating points, what they mean for each kind and condition, and all values tried."""
    points = system.sweep(traces)
    return {
        "name": system.name,
        "knob": system.knob,
        "at_budget": {f"{budget * 1000:.0f}": _figures(best_within(points, budget)) for budget in BUDGETS},
        "at_cutoffs": {f"{share * 100:.0f}": _figures(fastest_with(points, share)) for share in CUTOFFS},
        "typical": _typical(best_within(points, _TYPICAL_BUDGET)),
        "curve": curve([(each.value, each.summary.mean, each.summary.cut) for each in points]),
    }


def recorded_figures(system: System, traces: Sequence[Trace], typical: float | None) -> Figures:
    """One system over recordings: at its typical value, where it has one, and the best for each mean latency."""
    points = system.sweep(traces)
    at_typical = None if typical is None else replace(system, values=(typical,)).sweep(traces)[0]
    return {
        "typical": _figures(at_typical),
        "at_budget": {f"{budget * 1000:.0f}": _figures(best_within(points, budget)) for budget in BUDGETS},
    }


def curve(points: Sequence[tuple[float, float, float]]) -> list[list[float]]:
    """What is drawn of all values tried: the point of each, in order, no two alike, and one beyond the picture's edge.

    Args:
        points: Value, mean latency in seconds and share of pauses cut off of each.

    Returns:
        The same of those that are kept.
    """
    inside = sorted(
        {(mean, cut): (value, mean, cut) for value, mean, cut in points}.values(), key=lambda each: each[1:]
    )
    seen = sum(mean <= _LATEST for _, mean, _ in inside)
    return [list(each) for each in inside[: seen + 1]]


def _figures(point: Point | None) -> Figures | None:
    return None if point is None else {"value": point.value} | asdict(point.summary)


def _typical(point: Point | None) -> Figures | None:
    """By kind of pause, kind of turn and acoustic condition."""
    if point is None:
        return None
    return {
        "value": point.value,
        "pauses": {kind: {"count": n, "cut": cut} for kind, (n, cut) in cuts_by_kind(point.outcomes).items()},
        "turns": {kind: asdict(each) for kind, each in latency_by_kind(point.outcomes).items()},
        "conditions": {name: asdict(each) for name, each in by_condition(point.outcomes).items()},
    }


# --- tables ----------------------------------------------------------------------------------------------------------


def markdown(made: Figures) -> str:
    """The tables, as Markdown."""
    found = made["signals"]
    parts = [systems_table(made["systems"]), latency_table(made["by_latency"]), signals_table(found)]
    parts.append(division_table(found))
    if "recordings" in made:
        parts.append(recordings_table(made["recordings"]["systems"]))
    return "\n\n".join(parts) + "\n"


def systems_table(measured_systems: Sequence[Figures]) -> str:
    """False cut-offs within a mean latency, and latency at a share of false cut-offs."""
    heads = [
        "",
        *(f"cut off within {budget * 1000:.0f} ms" for budget in BUDGETS),
        *(f"ms at {share:.0%} cut off: mean / p50 / p95" for share in CUTOFFS),
    ]
    rows = [[each["name"], *_cells(each)] for each in measured_systems]
    return _table(heads, rows)


def latency_table(by_latency: Mapping[int, Sequence[Figures]]) -> str:
    """The same for the server's own detectors, at each latency of the decoder."""
    rows = [[f"{each['name']}, {latency} ms", *_cells(each)] for latency, found in by_latency.items() for each in found]
    heads = ["chunk", *(f"{budget * 1000:.0f} ms" for budget in BUDGETS), *(f"at {share:.0%}" for share in CUTOFFS)]
    return _table(heads, rows)


def signals_table(found: Mapping[str, Mapping[str, signals.Areas]]) -> str:
    """Areas under the ROC curve, a line for each signal, by silence."""
    heads = ["all pauses", *(f"{silence} ms" for silence in found)]
    rows = [[name, *(_area(at["all"][name]) for at in found.values())] for name in signals.SIGNALS]
    return _table(heads, rows)


def division_table(found: Mapping[str, Mapping[str, signals.Areas]], silence: str = _TYPICAL_SILENCE) -> str:
    """The same at one silence, by acoustic condition and by kind of pause."""
    columns = [name for name in found[silence] if name != "all"]
    rows = [[name, *(_area(found[silence][each][name]) for each in columns)] for name in signals.SIGNALS]
    return _table([f"at {silence} ms", *columns], rows)


def recordings_table(found: Mapping[str, Figures]) -> str:
    """False cut-offs of recordings: pauses and turns that were cut within a mean latency, and at the typical value."""
    heads = ["recordings: pauses / turns cut off", *(f"within {budget * 1000:.0f} ms" for budget in BUDGETS), "typical"]
    rows = [
        [name, *(_both_cuts(at) for at in (*each["at_budget"].values(), each["typical"]))]
        for name, each in found.items()
    ]
    return _table(heads, rows)


def _both_cuts(figures: Figures | None) -> str:
    if figures is None:
        return "-"
    return f"{figures['cut']:.1%} / {figures['cut_turns']:.1%} ({figures['mean'] * 1000:.0f} ms)"


def _cells(each: Figures) -> list[str]:
    return [*map(_cut, each["at_budget"].values()), *map(_waits, each["at_cutoffs"].values())]


def _cut(figures: Figures | None) -> str:
    return "-" if figures is None else f"{figures['cut']:.1%}"


def _waits(figures: Figures | None) -> str:
    return "-" if figures is None else " / ".join(f"{figures[name] * 1000:.0f}" for name in ("mean", "p50", "p95"))


def _area(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# --- picture ---------------------------------------------------------------------------------------------------------


def plot(made: Figures, path: Path) -> Path:
    """Draws false cut-offs over latency: all systems, and the server's detector at each latency of the decoder."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    all_systems, latencies = figure.subplots(1, 2, sharey=True)
    for each in made["systems"]:
        _curve(all_systems, each, each["name"])
    for latency, found in made["by_latency"].items():
        _curve(latencies, found[-1], f"{latency} ms")
    all_systems.set_title(f"Decoder at {DEFAULT_LATENCY_MS} ms")
    latencies.set_title(f"{_LATENT[-1]}, by latency of the decoder")
    for axes in (all_systems, latencies):
        axes.set(xlabel="true end of speech to turn end, mean (s)", ylabel="pauses cut off (%)")
        axes.set(xlim=(0, _LATEST), ylim=(0, 100))
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    figure.savefig(path, metadata={"Date": None})
    return path


def _curve(axes: Any, each: Figures, label: str) -> None:
    axes.plot(*zip(*((mean, 100 * cut) for _, mean, cut in each["curve"]), strict=True), marker=".", label=label)
