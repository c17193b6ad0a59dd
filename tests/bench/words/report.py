"""The figures as tables and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

Figures = Mapping[str, Mapping[str, Any]]
"""By latency setting."""


TIMES = """# Words of {model}

{said} words of held-out sentences: a third clean, a third in noise and rooms, a third by telephone. Errors are
absolute, in milliseconds: mean, median, p90.

| chunk | starts, raw | starts | ends, raw | ends |
|---|---|---|---|---|
"""
CONFIDENCE = """
Confidence: the product of the tokens' probabilities, and the calibrated entropy. AUC 1.0 tells all right words from
wrong ones, 0.5 none; ECE is the mean distance from the truth; NCE 1.0 knows all.

| chunk | heard | right | probability: AUC | ECE | Brier | NCE | confidence: AUC | ECE | Brier | NCE |
|---|---|---|---|---|---|---|---|---|---|---|
"""
MEANS = """
AUC by what is made of a word's tokens:

| chunk | of | {means} |
|---|---|---|---|---|---|
"""
TALKS = """
Of whole talks, the confidence says the share of right words:

| chunk | mean error | correlation |
|---|---|---|
"""


def markdown(model: str, figures: Figures) -> str:
    """Tables of all latency settings."""
    first, rows = next(iter(figures.values())), figures.items()
    return "".join(
        [
            TIMES.format(model=model, said=first["said"]),
            *(_times(latency, row) for latency, row in rows),
            CONFIDENCE,
            *(_confidence(latency, row) for latency, row in rows),
            MEANS.format(means=" | ".join(first["auc"]["entropy"])),
            *(_means(latency, kind, row) for latency, row in rows for kind in row["auc"]),
            TALKS,
            *(_talks(latency, row["talks"]) for latency, row in rows),
        ]
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _times(latency: str, row: Mapping[str, Any]) -> str:
    spreads = [row[edge][when] for edge in ("start_ms", "end_ms") for when in ("before", "after")]
    return _line(f"{latency} ms", *(" / ".join(f"{value:.0f}" for value in each.values()) for each in spreads))


def _confidence(latency: str, row: Mapping[str, Any]) -> str:
    kinds = [row["confidence"][kind] for kind in ("probability", "calibrated")]
    cells = [f"{kind[name]:.3f}" for kind in kinds for name in ("auc", "ece", "brier", "nce")]
    return _line(f"{latency} ms", str(row["heard"]), f"{row['right']:.1%}", *cells)


def _means(latency: str, kind: str, row: Mapping[str, Any]) -> str:
    return _line(f"{latency} ms", kind, *(f"{value:.3f}" for value in row["auc"][kind].values()))


def _talks(latency: str, told: Mapping[str, float]) -> str:
    return _line(f"{latency} ms", f"{told['mean_error']:.3f}", f"{told['correlation']:.3f}")


def picture(model: str, figures: Figures, path: Path) -> None:
    """Reliability of probability and confidence, a line for each latency setting, as SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.8), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2), ("probability", "calibrated"), strict=True):
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
        for latency, row in figures.items():
            points = [(point["score"], point["right"]) for point in row["reliability"][kind] if point["words"] >= 10]
            axes.plot(*zip(*points, strict=True), marker="o", label=f"{latency} ms")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="what it says", ylabel="share of right words")
        axes.set_title("product of probabilities" if kind == "probability" else "calibrated confidence")
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    figure.suptitle(f"Words of {model}")
    figure.savefig(path, metadata={"Date": None})
