from __future__ import annotations

import pytest
import torch

from auricle_server.bench.gpu import ceilings
from auricle_server.bench.gpu.ceilings import measured_ceilings


def test_a_cpu_has_a_bandwidth_and_one_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "ROUNDS", 2)
    before = torch.get_float32_matmul_precision()
    found = measured_ceilings(torch.device("cpu"))
    assert 1e8 < found.bandwidth < 1e13
    assert 1e8 < found.bf16 == found.tf32 < 1e15
    assert found.fp8 is None
    assert torch.get_float32_matmul_precision() == before
