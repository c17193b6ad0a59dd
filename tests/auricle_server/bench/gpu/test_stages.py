"""What `make gpu` runs, on a machine that has no GPU: its order, its limits, and that its commands exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_group

from auricle_server.bench.gpu.stages import STARTING, GpuOptions, GpuStage, is_installed, stages
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.commands.bench import bench

OUT = Path("results")


def test_every_bench_that_it_runs_can_be_run() -> None:
    chosen = stages(GpuOptions(stages=("engine", "steps", "serve", "fp8")), OUT)
    commands = [stage.command(100.0)[2:] for stage in chosen]
    assert [arguments[0] for arguments in commands] == ["engine", "steps", "serve", "steps"]
    for name, *options in commands:
        context = get_group(bench).commands[name].make_context(name, options)
        assert context.params["device"] == "cuda"
        assert context.params["random_weights"] in SHAPES
        assert context.params["budget"] == 100.0 - STARTING
        assert context.params["out"] == OUT


def test_the_order_is_that_in_which_results_tell_most() -> None:
    chosen = stages(GpuOptions(), OUT)
    assert [stage.name for stage in chosen] == ["tests", "kernels", "engine", "steps", "serve"]
    assert sum(stage.share for stage in chosen) == pytest.approx(1.0)


def test_the_whole_fits_a_command_of_ten_minutes() -> None:
    assert GpuOptions().budget <= 560


def test_stages_can_be_chosen() -> None:
    assert [stage.name for stage in stages(GpuOptions(stages=("serve", "steps")), OUT)] == ["steps", "serve"]
    with pytest.raises(ValueError, match=r"no stage sreve; there are tests, kernels"):
        stages(GpuOptions(stages=("sreve",)), OUT)


def test_what_a_stage_lacks_is_named() -> None:
    assert is_installed("pytest")
    assert GpuStage("one", ("pytest", "no_such_module"), (), 1.0).missing == ["no_such_module"]


def test_test_files_of_the_first_stage_exist() -> None:
    [tests] = stages(GpuOptions(stages=("tests",)), OUT)
    paths = [argument for argument in tests.arguments if argument.startswith("tests/")]
    assert "tests/gpu/test_engine.py" in paths
    assert all(Path(path).exists() for path in paths)
