"""What `make gpu` runs, on a machine that has no GPU: its order, its limits, and that its commands exist."""

from __future__ import annotations

import pytest
import torch
from typer.main import get_group

from auricle_server.bench import gpu
from auricle_server.bench.gpu import GpuStage
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.commands.bench import bench


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")


def test_every_bench_that_it_runs_can_be_run() -> None:
    commands = [part.arguments[2:] for part in gpu.stages() if part.arguments[1] == "auricle_server.bench"]
    assert [arguments[0] for arguments in commands] == ["engine", "engine", "engine", "serve"]
    for name, *options in commands:
        command = get_group(bench).commands[name]
        context = command.make_context(name, options)
        assert context.params["device"] == "cuda"
        assert context.params["random_weights"] in {*SHAPES, None}


def test_it_fits_its_budget() -> None:
    assert sum(part.share for part in gpu.stages()) <= 500


@pytest.mark.usefixtures("pretended")
def test_parts_run_in_order_and_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        GpuStage("good", (), ("-c", "pass"), 30),
        GpuStage("lacking", ("no_such_module",), ("-c", "pass"), 30),
        GpuStage("bad", (), ("-c", "import sys; sys.exit(3)"), 30),
        GpuStage("slow", (), ("-c", "import time; time.sleep(60)"), 0.5),
    ]
    monkeypatch.setattr(gpu, "stages", lambda: iter(parts))
    said: list[str] = []
    assert gpu.run(100.0, said.append) == 1
    text = "\n".join(said)
    assert "== good: done in" in text
    assert "== lacking: skipped, no_such_module not installed" in text
    assert "== bad: FAILED" in text
    assert "== slow: stopped after" in text


@pytest.mark.usefixtures("pretended")
def test_nothing_begins_when_the_time_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "stages", lambda: iter([GpuStage("late", (), ("-c", "1 / 0"), 30)]))
    said: list[str] = []
    assert gpu.run(1.0, said.append) == 0
    assert said[-1] == "== late: skipped, the time budget is used up"
