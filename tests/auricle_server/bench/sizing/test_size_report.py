from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from auricle_server.bench.sizing.size_report import as_json, helm_values, lines, summary
from auricle_server.bench.sizing.sizing import SizeOptions, size
from auricle_server.bench.sizing.step_times import Basis
from tests.auricle_server.bench.sizing.records import COMMITTED, gpu_record, steps_figures, write

CHART = Path(__file__).parents[4] / "deploy" / "helm" / "auricle"
PAPER = SizeOptions(streams=10_000, latency_ms=80, gpu="H200", results=COMMITTED)
CPU = SizeOptions(streams=100, latency_ms=560, results=COMMITTED)


def bases(options: SizeOptions) -> dict[str, Basis]:
    return {line.key: line.basis for line in lines(size(options))}


def test_each_line_says_how_its_figure_is_known(tmp_path: Path) -> None:
    paper, cpu = bases(PAPER), bases(CPU)
    assert paper["step_seconds"] is Basis.ARITHMETIC
    assert "sustained_streams" not in paper
    assert cpu["step_seconds"] is cpu["sustained_streams"] is Basis.MEASURED
    # What follows from a measurement is not itself one.
    assert cpu["streams_by_time"] is cpu["servers"] is cpu["network_bits"] is Basis.ARITHMETIC
    assert (paper["gateway_cores_per_1000"], paper["gateway_cores"]) == (Basis.MEASURED, Basis.ARITHMETIC)
    measured = write(tmp_path, gpu_record("steps", steps_figures(1, {1: 0.001, 2048: 0.02})))
    gpu = bases(replace(PAPER, results=measured))
    assert (gpu["step_seconds"], gpu["gateway_cores_per_1000"]) == (Basis.MEASURED, Basis.ASSUMED)


def test_the_summary_names_the_assumption_while_no_gpu_has_been_measured(tmp_path: Path) -> None:
    told = summary(size(replace(PAPER, efficiency=0.4)))
    assert "no step on this GPU has been measured" in told
    assert "40% of its speed" in told
    measured = write(tmp_path, gpu_record("steps", steps_figures(1, {1: 0.001, 2048: 0.02})))
    assert summary(size(replace(PAPER, results=measured))).endswith("step times were measured on such a machine.")


def test_the_figures_fit_each_other() -> None:
    values = {line.key: line.value for line in lines(size(replace(PAPER, gpus_per_server=4, price_per_hour=20.0)))}
    assert values["gpus"] == 4 * values["servers"]
    assert values["cost_per_hour"] == 20 * values["servers"]
    assert values["cost_per_month"] == 730 * values["cost_per_hour"]
    assert values["cost_per_stream_hour"] * 10_000 == pytest.approx(values["cost_per_hour"])
    assert values["used_at_peak"] <= values["used_after_loss"] <= 0.75
    assert values["gateway_cores"] == pytest.approx(10 * values["gateway_cores_per_1000"])
    assert values["cores_per_server"] == values["gateways_per_server"] + 4
    assert "cost_per_hour" not in {line.key for line in lines(size(PAPER))}


@pytest.mark.parametrize(
    "options",
    [
        PAPER,
        replace(PAPER, gpus_per_server=8, spare=3, zones=3, streams=1_000_000),
        replace(PAPER, streams=1, spare=0),
        CPU,
        replace(CPU, model="demo", latency_ms=80),
    ],
    ids=["gpu", "eight-gpus", "one-stream", "cpu", "demo"],
)
def test_the_chart_takes_the_values(options: SizeOptions) -> None:
    values = helm_values(size(options))
    jsonschema = pytest.importorskip("jsonschema", reason="the [ray] extra, which brings it, is not installed")
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.validate(_merged(defaults, values | {"auth": {"none": True}}), schema)
    scaling = values["autoscaling"]
    assert 1 <= scaling["minReplicas"] <= scaling["maxReplicas"]


def test_a_cpu_gets_as_many_slots_as_it_has_time_for() -> None:
    demo = size(replace(CPU, model="demo", latency_ms=80))
    assert demo.server.streams > 64
    assert helm_values(demo)["server"]["slots"] == demo.server.streams
    assert helm_values(size(CPU))["server"]["slots"] is None


def test_as_json_everything_is_there_and_no_folder() -> None:
    told = json.loads(json.dumps(as_json(size(PAPER))))
    assert set(told) == {"options", "summary", "lines", "helm_values"}
    assert "results" not in told["options"]
    assert {"key", "name", "value", "shown", "basis", "source"} == set(told["lines"][0])


def _merged(defaults: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    both = {**defaults, **values}
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(defaults.get(name), dict):
            both[name] = _merged(defaults[name], value)
    return both
