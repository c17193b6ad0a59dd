"""Tests whose packages are absent are skipped with a reason, and the fast subset needs none of the heavy ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pytest_plugins import extras

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("absent", "extra"),
    [
        (("lhotse", "nemo", "scipy", "transformers"), "nemo"),
        (("torch", "triton"), "server"),
        (("pyarrow", "ray"), "ray"),
        (("livekit.agents", "livekit.rtc", "pipecat"), "livekit"),
    ],
)
def test_every_module_is_collected_or_skipped(absent: tuple[str, ...], extra: str) -> None:
    options = [f"--without={module}" for module in absent]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(rf"^SKIPPED .*needs \S+: pip install '\.\[{extra}\]'$", done.stdout, re.MULTILINE)


def test_an_absent_extra_is_a_reason_to_skip_even_behind_another_error() -> None:
    told = RuntimeError("no voice models")
    told.__cause__ = ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")
    assert extras.missing(told) == "needs onnxruntime: pip install '.[turns]'"


@pytest.mark.parametrize(
    "error",
    [
        None,
        AssertionError(),
        ModuleNotFoundError("No module named 'torch.no_such_part'", name="torch.no_such_part"),
        ModuleNotFoundError("No module named 'auricle.typo'", name="auricle.typo"),
        ImportError("cannot import name 'typo' from 'torch'", name="torch", path="torch/__init__.py"),
    ],
)
def test_other_errors_are_failures(error: BaseException | None) -> None:
    assert extras.missing(error) is None
