"""Plots of the results: the wait for results, and the number of streams that a machine sustains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from auricle_server.bench import MissingPackage
from auricle_server.bench.report.results import load

Result = Mapping[str, Any]


def plot(folder: Path) -> list[Path]:
    """Draws one SVG for each machine with engine results into `folder`; returns their paths.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    engine = [result for result in load(folder) if result["kind"] == "engine"]
    engine.sort(key=_machine_name)
    return [_draw(name, list(results), folder) for name, results in groupby(engine, _machine_name)]


def _machine_name(result: Result) -> str:
    return str(result["machine"]["name"])


def _draw(name: str, results: Sequence[Result], folder: Path) -> Path:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as missing:
        raise MissingPackage("plots need matplotlib; in a checkout of Auricle: pip install '.[bench]'") from missing
    figure = Figure(figsize=(12, 5), layout="constrained")
    waits, capacity = figure.subplots(1, 2)
    machine = results[0]["machine"]
    figure.suptitle(f"{machine['gpu'] or machine['cpu']}, {machine['cores']} cores")
    _waits(waits, results)
    _capacity(capacity, results)
    path = folder / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None})
    return path


def _waits(axes: Any, results: Sequence[Result]) -> None:
    for result in results:
        figures = result["figures"]
        streams = [point["streams"] for point in figures["tried"]]
        waits = [point["wait_p99"] * 1e3 for point in figures["tried"]]
        axes.plot(streams, waits, marker="o", label=f"{_series(result)}, {figures['latency_ms']} ms")
    axes.set(xscale="log", yscale="log", xlabel="live streams", ylabel="wait for results, p99 (ms)")
    axes.set_title("From the audio that completes a chunk to its results")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()


def _series(result: Result) -> str:
    """A model, with the format of its weights where it is not fp32."""
    figures = result["figures"]
    packed = figures.get("weights", "float32")
    return str(figures["model"]) if packed == "float32" else f"{figures['model']}, {packed}"


def _capacity(axes: Any, results: Sequence[Result]) -> None:
    ordered = sorted(results, key=lambda result: (_series(result), result["figures"]["latency_ms"]))
    for model, group in groupby(ordered, _series):
        points = [(one["figures"]["latency_ms"], one["figures"]["sustained_streams"]) for one in group]
        axes.plot(*zip(*points, strict=True), marker="o", label=model)
    axes.set(xscale="log", xlabel="chunk (ms)", ylabel="live streams sustained", ylim=(0, None))
    axes.set_title("p99 of the wait within a chunk, no growing backlog")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
