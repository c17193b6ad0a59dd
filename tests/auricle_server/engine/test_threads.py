"""The number of threads: physical cores, within affinity and quota, and one where more would not help."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auricle_server.engine import threads
from auricle_server.engine.threads import default_threads, usable_cores
from auricle_server.engine.weight_formats import LARGE


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four cores of two threads each."""
    for number in range(8):
        folder = tmp_path / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{number % 4},{number % 4 + 4}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def test_threads_of_one_core_count_once(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores(machine, machine) == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 4, 1}, raising=False)
    assert usable_cores(machine, machine) == 2


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 4), ("200000 100000", 2), ("150000 100000", 2), ("1 9", 1)]
)
def test_a_container_may_be_allowed_less(machine: Path, quota: str, cores: int) -> None:
    (machine / "cpu.max").write_text(quota + "\n")
    assert usable_cores(machine, machine) == cores


def test_without_a_topology_each_processor_is_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert usable_cores(tmp_path, tmp_path) == 3


def test_large_models_on_a_cpu_take_all_cores_that_workers_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    assert default_threads(LARGE, "cpu") == 8
    assert default_threads(LARGE, "cpu", workers=3) == 2
    assert default_threads(LARGE, "cpu", workers=20) == 1
    assert default_threads(LARGE - 1, "cpu") == 1
    assert default_threads(LARGE, "cuda") == 1
