"""Pictures of simulated fleets, for docs/capacity.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auricle_server.bench import MissingPackage
from auricle_server.bench.report.results import load

Result = Mapping[str, Any]

_ROWS: Mapping[str, Sequence[tuple[str, str]]] = {
    "zone": (
        ("zone-lost-60", "60 % of the capacity in use"),
        ("zone-lost-75", "75 %"),
        ("zone-lost-90", "90 %"),
    ),
    "update": (("update-25", "25 servers at a time"), ("update-100", "100"), ("update-250", "250")),
    "burst": (("load-75", "75 % of the capacity in use"), ("load-90", "90 %")),
    "day": (("day", "a day, with an update at 4 o'clock"),),
}
"""Scenarios of each picture, a panel each."""
_STREAMS, _CAPACITY, _REFUSED, _WAITING = "#00796b", "#90a4ae", "#c62828", "#ef6c00"
_LONG = 7200.0


def draw(results: Path, folder: Path) -> list[Path]:
    """Draws the newest record of a simulated fleet into `folder`; returns the paths, none without a record.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    fleets = [result for result in load(results) if result["kind"] == "fleet"]
    if not fleets:
        return []
    newest = max(fleets, key=lambda result: str(result["date"]))
    scenarios = newest["figures"]["scenarios"]
    paths = [_waits(newest, folder)]
    for name, panels in _ROWS.items():
        shown = [(scenarios[scenario], title) for scenario, title in panels if scenario in scenarios]
        if shown:
            paths.append(_courses(shown, folder / f"fleet-{name}.svg"))
    return paths


def _figure(panels: int) -> Any:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as missing:
        raise MissingPackage("plots need matplotlib; in a checkout of Auricle: pip install '.[bench]'") from missing
    # The same picture again gives the same file.
    mpl.rcParams["svg.hashsalt"] = "auricle"
    return Figure(figsize=(4.2 * max(2, panels), 3.6), layout="constrained", facecolor="white")


def _waits(result: Result, folder: Path) -> Path:
    figures = result["figures"]
    figure = _figure(2)
    axes = figure.subplots()
    waits = figures["waits"]
    for name, style in (("p50", "-"), ("p99", "--")):
        axes.plot(waits["streams"], [1e3 * each for each in waits[name]], style, color=_STREAMS, marker="o", label=name)
    axes.axvline(figures["streams_per_server"], color=_CAPACITY, label="capacity")
    axes.set(xlabel="live streams of a worker", ylabel="wait for results (ms)", ylim=(0, None), xlim=(0, None))
    about = f"{figures['server']}, chunks of {result['options']['latency_ms']} ms; step times: {figures['basis']}"
    axes.set_title(about, fontsize=10)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    return _saved(figure, folder / "fleet-waits.svg")


def _courses(scenarios: Sequence[tuple[Result, str]], path: Path) -> Path:
    figure = _figure(len(scenarios))
    for axes, (scenario, title) in zip(
        figure.subplots(1, len(scenarios), sharey=True, squeeze=False)[0], scenarios, strict=True
    ):
        _course(axes, scenario, title)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    return _saved(figure, path)


def _course(axes: Any, scenario: Result, title: str) -> None:
    course = scenario["course"]
    unit, name = (3600, "hours") if scenario["seconds"] > _LONG else (60, "minutes")
    at = [each / unit for each in course["seconds"]]
    axes.plot(at, [each / 1e6 for each in course["capacity"]], color=_CAPACITY, label="capacity that takes streams")
    axes.plot(at, [each / 1e6 for each in course["streams"]], color=_STREAMS, label="live streams")
    axes.plot(at, [each / 1e6 for each in course["waiting"]], color=_WAITING, label="calls without a server")
    axes.plot(at, [each / 1e6 for each in course["refused"]], color=_REFUSED, label="calls refused so far")
    share = scenario["refused"] / max(1, scenario["calls"])
    axes.set_title(f"{title}\n{100 * share:.1f} % of new calls refused, {scenario['moved']:,} moved", fontsize=10)
    axes.set(xlabel=name, ylabel="millions", ylim=(0, None))
    axes.grid(visible=True, alpha=0.3)


def _saved(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    return path
