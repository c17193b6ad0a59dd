"""Records as the benches write them, of machines that the tests make up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auricle_server.bench.report.results import DEFAULT_FOLDER

COMMITTED = Path(__file__).parents[4] / DEFAULT_FOLDER
MACHINE = {"name": "nvidia-h200", "cpu": "a CPU", "cores": 16, "memory_gb": 128.0, "gpu": "NVIDIA H200"}


def gpu_record(kind: str, figures: dict[str, Any], **machine: Any) -> dict[str, Any]:
    """A record of a run on a GPU."""
    return {
        "format": 1,
        "kind": kind,
        "date": "2026-12-01T00:00:00+00:00",
        "machine": {**MACHINE, "driver": "1", "gpu_memory_gb": 150.0, **machine},
        "versions": {},
        "commit": "abc",
        "options": {},
        "figures": figures,
    }


def steps_figures(frames: int, points: dict[int, float], model: str = "random-en") -> dict[str, Any]:
    """Figures of `auricle bench steps`: seconds by rows."""
    steps = [{"step": {"frames": frames, "rows": rows, "period": seconds}} for rows, seconds in points.items()]
    return {"model": model, "fp8": [], "steps": steps}


def engine_figures(latency_ms: int, sustained: int, model: str = "random-en") -> dict[str, Any]:
    """Figures of `auricle bench engine`."""
    tried = [{"rows_p50": 100.0, "step_p50": 0.002, "sustained": True}, {"rows_p50": 400.0, "step_p50": 0.004}]
    return {
        "model": model,
        "latency_ms": latency_ms,
        "sustained_streams": sustained,
        "max_rows": {str(latency_ms // 80): 2048},
        "tried": tried,
    }


def write(folder: Path, *records: dict[str, Any]) -> Path:
    """Writes them into a folder, which is returned."""
    for number, record in enumerate(records):
        (folder / f"{number}.json").write_text(json.dumps(record))
    return folder
