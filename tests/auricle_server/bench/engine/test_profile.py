from __future__ import annotations

from pathlib import Path

import torch

from auricle_server.bench.engine.profile import peak_memory_bytes, profiled


def test_a_profile_is_a_table_and_a_trace(tmp_path: Path) -> None:
    table = profiled(lambda: torch.ones(64, 64) @ torch.ones(64, 64), tmp_path, "x")
    assert "aten::mm" in table
    assert (tmp_path / "x.txt").read_text() == table + "\n"
    assert (tmp_path / "x.trace.json.gz").stat().st_size > 0


def test_peak_memory_of_a_cpu_is_that_of_the_process() -> None:
    before = peak_memory_bytes(torch.device("cpu"))
    block = torch.ones(1 + before // 4)  # four bytes each: more than the peak so far
    assert peak_memory_bytes(torch.device("cpu")) > before > 50_000_000
    assert len(block) > 0
