"""The engine's benches run where little is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MISSING_ON_GPU_MACHINES = ("msgspec", "zmq", "soundfile", "soxr", "jiwer", "pytest_asyncio", "nemo", "uvloop")

RUN = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = ["bench", *{arguments!r}]
from auricle_server.commands.bench import bench
bench()
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = RUN.format(missing=MISSING_ON_GPU_MACHINES, arguments=arguments)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
def test_the_engine_bench_needs_little(tmp_path: Path) -> None:
    options = ("--random-weights", "demo", "--latency-ms", "560", "--streams", "2", "--hold", "1", "--compare", "1")
    done = run("engine", *options, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["engine-random-demo-560ms.json"]


@pytest.mark.slow
def test_the_bench_of_steps_and_the_stages_need_little(tmp_path: Path) -> None:
    given = ("--random-weights", "demo", "--latency-ms", "560", "--device", "cpu", "--out", str(tmp_path))
    assert run("steps", *given, "--rows", "1").returncode == 0
    done = run("gpu", *given, "--stage", "serve", "--stage", "steps", "--budget", "60")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} >= {"steps-random-demo.json", "gpu.json", "gpu.txt", "gpu.log"}


@pytest.mark.slow
def test_without_nemo_the_baseline_says_how_to_get_it() -> None:
    done = run("engine", "--baseline", "nemo")
    assert done.returncode == 1
    assert "pip install '.[nemo]'" in " ".join(done.stderr.split())
