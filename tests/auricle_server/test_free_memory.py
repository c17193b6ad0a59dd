from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.free_memory import free_memory


def test_a_machine_has_what_it_says_is_available(tmp_path: Path) -> None:
    machine = tmp_path / "meminfo"
    machine.write_text("MemTotal:  100 kB\nMemFree:  5 kB\nMemAvailable:  40 kB\n")
    assert free_memory(machine, tmp_path) == 40 * 1024
    assert 0 < free_memory() < 1 << 50


@pytest.mark.parametrize(("limit", "free"), [("1000\n", 700), ("200\n", 0), ("max\n", 40 * 1024)])
def test_a_container_has_no_more_than_its_control_group(tmp_path: Path, limit: str, free: int) -> None:
    machine = tmp_path / "meminfo"
    machine.write_text("MemAvailable:  40 kB\n")
    (tmp_path / "memory.current").write_text("300\n")
    (tmp_path / "memory.max").write_text(limit)
    assert free_memory(machine, tmp_path) == free


def test_a_system_that_does_not_say_sets_no_bound(tmp_path: Path) -> None:
    assert free_memory(tmp_path / "none", tmp_path) > 1 << 60
