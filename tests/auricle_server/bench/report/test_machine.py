from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
import torch

from auricle_server.bench.report.machine import commit, this_machine, torch_devices, versions


def test_the_machine_has_a_name_for_files() -> None:
    machine = this_machine()
    assert re.fullmatch(r"[a-z0-9-]+", machine.name)
    assert machine.cores >= 1
    assert machine.memory_gb > 0.5
    assert bool(machine.gpu) == (machine.gpu_memory_gb > 0)


def test_devices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (device,) = torch_devices()
    assert re.fullmatch(r"cpu, \d+ threads \(.+\)", device)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    gpu = SimpleNamespace(name="a GPU", total_memory=140 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    assert torch_devices() == ["cuda:0, a GPU, 140 GiB", "cuda:1, a GPU, 140 GiB"]


def test_versions_and_commit() -> None:
    assert versions()["python"] == sys.version.split()[0]
    assert re.fullmatch(r"([0-9a-f]{7,}\+?)?", commit())
