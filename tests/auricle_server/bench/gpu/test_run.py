from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from auricle_server.bench.gpu import run as gpu_run
from auricle_server.bench.gpu.run import run
from auricle_server.bench.gpu.stages import GpuOptions, GpuStage

EVERY = ("tests", "kernels", "engine", "steps", "serve", "fp8")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def give(*stages: GpuStage) -> None:
        monkeypatch.setattr(gpu_run, "stages", lambda _options, _out: list(stages))

    return give


def stage(name: str, code: str, needs: tuple[str, ...] = (), share: float = 1.0) -> GpuStage:
    return GpuStage(name, needs, ("-c", code), share)


def test_stages_run_in_order_and_what_fails_or_is_missing_stops_nothing(
    given: Callable[..., None], tmp_path: Path
) -> None:
    given(
        stage("bad", "import sys; print('almost'); sys.exit(3)"),
        stage("lacking", "", ("no_such_module",)),
        stage("good", "print('measured')"),
    )
    said: list[str] = []
    assert run(GpuOptions(budget=100.0, device="cpu", out=tmp_path), said.append) == 1
    recorded = json.loads((tmp_path / "gpu.json").read_text())
    verdicts = [(one["name"], one["verdict"]) for one in recorded["figures"]["stages"]]
    assert verdicts == [("bad", "failed"), ("lacking", "skipped"), ("good", "done")]
    assert recorded["machine"]["name"]
    text = (tmp_path / "gpu.txt").read_text()
    assert "bad      failed with code 3" in text
    assert "almost" in text
    assert "lacking  skipped (no_such_module not installed)" in text
    assert "measured" in (tmp_path / "gpu.log").read_text()
    assert "measured" in said


def test_a_stage_that_takes_too_long_is_ended_with_its_children(
    given: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_run, "LEAST", 0.5)
    monkeypatch.setattr(gpu_run, "GRACE", 1.0)
    sleeps = "import os, pathlib, time; pathlib.Path({!r}).write_text(str(os.getpid())); time.sleep(60)"
    slow = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: print('a summary', flush=True))\n"
        # Its traceback would come in between: both write to one pipe, a piece of a line at a time.
        f"command = [sys.executable, '-c', {sleeps.format(str(tmp_path / 'pid'))!r}]\n"
        "subprocess.Popen(command, stderr=subprocess.DEVNULL)\n"
        "print('measured', flush=True)\n"
        "while True: time.sleep(1)"
    )
    given(stage("slow", slow), stage("next", "print('begun')"))
    began = time.monotonic()
    assert run(GpuOptions(budget=8.0, device="cpu", out=tmp_path), lambda _: None) == 0
    assert time.monotonic() - began < 30
    stages = json.loads((tmp_path / "gpu.json").read_text())["figures"]["stages"]
    assert [one["verdict"] for one in stages] == ["stopped", "done"]
    assert {"measured", "a summary"} <= set(stages[0]["output"])
    status = Path(f"/proc/{(tmp_path / 'pid').read_text()}/status")
    # An ended process stays as a zombie where process 1 collects none.
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_the_record_is_written_after_each_stage(given: Callable[..., None], tmp_path: Path) -> None:
    seen = f"import json; print(len(json.load(open({str(tmp_path / 'gpu.json')!r}))['figures']['stages']))"
    given(stage("first", "print(1)"), stage("second", seen))
    assert run(GpuOptions(budget=100.0, device="cpu", out=tmp_path), lambda _: None) == 0
    stages = json.loads((tmp_path / "gpu.json").read_text())["figures"]["stages"]
    assert stages[1]["output"][-1] == "1"


def test_a_stage_has_what_those_before_it_left(given: Callable[..., None], tmp_path: Path) -> None:
    show = ("-c", "import sys; print(sys.argv[1])", "{budget}")
    given(GpuStage("first", (), show, 0.5), GpuStage("second", (), show, 0.5))
    assert run(GpuOptions(budget=100.0, device="cpu", out=tmp_path), lambda _: None) == 0
    stages = json.loads((tmp_path / "gpu.json").read_text())["figures"]["stages"]
    first, second = (int(one["output"][-1]) for one in stages)
    assert 15 <= first <= 25
    assert second > first + 20


def test_nothing_begins_when_the_time_is_spent(given: Callable[..., None], tmp_path: Path) -> None:
    given(stage("late", "1 / 0"))
    assert run(GpuOptions(budget=1.0, device="cpu", out=tmp_path), lambda _: None) == 0
    assert "late     skipped (the time budget is used up)" in (tmp_path / "gpu.txt").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_what_it_needs(tmp_path: Path) -> None:
    said: list[str] = []
    assert run(GpuOptions(out=tmp_path / "none"), said.append) == 1
    assert "needs an NVIDIA GPU" in said[0]
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_stage_runs_for_real_on_a_cpu_with_a_small_architecture(tmp_path: Path) -> None:
    options = GpuOptions(
        stages=EVERY, device="cpu", random_weights="demo", latencies_ms=(560,), streams=2, out=tmp_path
    )
    stages: list[dict[str, str]] = []
    for budget in (170.0, 420.0):  # a machine that is busy with other tests needs more
        said: list[str] = []
        assert run(replace(options, budget=budget), said.append) == 0, "\n".join(said)
        stages = json.loads((tmp_path / "gpu.json").read_text())["figures"]["stages"]
        if not any("time budget" in one["reason"] for one in stages):
            break
    assert {one["verdict"] for one in stages} <= {"done", "stopped"}
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "gpu.json",
        "gpu.txt",
        "gpu.log",
        "kernels.json",
        "engine-random-demo-560ms.json",
        "steps-random-demo.json",
        "steps-random-demo-fp8-products-fp8-rings.json",
        "serve-random-demo-560ms.json",
    }
    text = (tmp_path / "gpu.txt").read_text()
    for what in ("streams sustained at 560 ms", "bound by", "Kernels at", "Through WebSockets"):
        assert what in text
