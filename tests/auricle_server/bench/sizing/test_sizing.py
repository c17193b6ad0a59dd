from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auricle_server.bench.sizing.models import CannotSize
from auricle_server.bench.sizing.sizing import SizeOptions, size
from auricle_server.bench.sizing.step_times import Basis
from tests.auricle_server.bench.sizing.records import COMMITTED, engine_figures, gpu_record, steps_figures, write

PAPER = SizeOptions(streams=10_000, latency_ms=80, gpu="H200", results=COMMITTED)
CPU = SizeOptions(streams=100, latency_ms=560, results=COMMITTED)


def test_without_a_record_of_the_gpu_it_is_arithmetic() -> None:
    sizing = size(PAPER)
    assert sizing.server.times.basis is Basis.ARITHMETIC
    assert sizing.servers == math.ceil(10_000 / (0.75 * sizing.server.streams)) + 1
    # Half of the streams that the floors of docs/gpu.md leave time for (16,800), at the server's highest load of 0.8.
    assert 0.4 * 16_800 < sizing.server.streams < 0.43 * 16_800


def test_a_record_of_the_gpu_takes_the_place_of_the_arithmetic(tmp_path: Path) -> None:
    steps = gpu_record("steps", steps_figures(1, {1: 0.001, 2048: 0.016}))
    folder = write(tmp_path, steps, gpu_record("engine", engine_figures(80, 5000)))
    sizing = size(replace(PAPER, results=folder))
    assert sizing.server.times.basis is Basis.MEASURED
    assert sizing.server.streams == 4000
    assert sizing.server.memory == 150e9
    # Other latencies of the same GPU are still arithmetic.
    assert size(replace(PAPER, latency_ms=560, results=folder)).server.times.basis is Basis.ARITHMETIC


def test_a_gpu_without_a_data_sheet_here_is_sized_by_its_record(tmp_path: Path) -> None:
    machine = {"gpu": "NVIDIA B300", "gpu_memory_gb": 288.0}
    folder = write(tmp_path, gpu_record("steps", steps_figures(1, {1: 0.001, 2048: 0.008}), **machine))
    sizing = size(replace(PAPER, gpu="B300", results=folder))
    assert (sizing.server.name, sizing.server.times.basis) == ("B300", Basis.MEASURED)
    with pytest.raises(CannotSize, match="--gpu B300: neither a record nor a data sheet"):
        size(replace(PAPER, gpu="B300"))


def test_a_cpu_is_sized_by_its_records() -> None:
    plain, int8 = size(CPU), size(replace(CPU, dtype="int8"))
    assert plain.server.weights == "fp16-weights"
    assert (plain.server.times.sustained, int8.server.times.sustained) == (8, 17)
    assert plain.server.streams == 6
    assert int8.servers < plain.servers
    with pytest.raises(CannotSize, match="--dtype float32: there are records of fp16-weights, int8"):
        size(replace(CPU, dtype="float32"))
    with pytest.raises(CannotSize, match=r"--latency-ms 1120: no record of nemotron-en.*are records of 80, 160, 560"):
        size(replace(CPU, latency_ms=1120))


@pytest.mark.parametrize("zones", [2, 3, 5])
def test_what_is_left_without_a_zone_takes_all_streams(zones: int) -> None:
    sizing = size(replace(PAPER, streams=200_000, zones=zones, load=0.9))
    assert sizing.left_after_loss * sizing.server.streams >= 200_000
    assert size(replace(PAPER, streams=200_000, load=0.9)).servers <= sizing.servers


@pytest.mark.parametrize("streams", [1, 5_000, 1_000_000])
def test_the_fleet_is_never_fuller_than_asked_for_even_without_the_spare(streams: int) -> None:
    sizing = size(replace(PAPER, streams=streams, spare=2))
    assert sizing.left_after_loss == sizing.servers - 2
    assert streams <= sizing.left_after_loss * sizing.server.streams * 0.75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"streams": 0}, "--streams 0: must be 1 or more"),
        ({"streams": -5}, "--streams -5"),
        ({"latency_ms": 100}, "--latency-ms 100: nemotron-en offers 80, 160, 560, 1120"),
        ({"gpu": "Voodoo"}, "--gpu Voodoo"),
        ({"gpu": ""}, "neither a record nor a data sheet"),
        ({"model": "nonsense"}, "--model nonsense"),
        ({"load": 0.0}, "--load 0: must be above 0"),
        ({"load": 1.5}, "--load 1.5"),
        ({"load": math.nan}, "--load nan"),
        ({"max_load": 2.0}, "--max-load 2"),
        ({"efficiency": -1.0}, "--efficiency -1"),
        ({"spare": -1}, "--spare -1"),
        ({"zones": 0}, "--zones 0"),
        ({"gpus_per_server": 0}, "--gpus-per-server 0"),
        ({"price_per_hour": math.inf}, "--price-per-hour inf"),
        ({"price_per_hour": -1.0}, "--price-per-hour -1"),
        ({"machine": "amd"}, "leave them out with --gpu"),
        ({"gpu": None, "gpus_per_server": 2, "latency_ms": 560}, "--gpus-per-server is for GPUs"),
        ({"efficiency": 0.001}, "not even one stream"),
    ],
)
def test_what_makes_no_sense_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotSize) as raised:
        size(replace(PAPER, **change))
    assert message in str(raised.value)
