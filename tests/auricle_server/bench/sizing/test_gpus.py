from __future__ import annotations

import pytest

from auricle_server.bench.gpu.paper import H200
from auricle_server.bench.sizing.gpus import GPUS, gpu_type, is_of_type


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("H200", "H200"),
        ("h200", "H200"),
        ("NVIDIA H100", "H100"),
        ("h100 nvl", "H100-NVL"),
        ("A100", "A100-80GB"),
        ("rtx 4090", "RTX-4090"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("4090", "RTX-4090"),
        ("l4", "L4"),
        ("L40S", "L40S"),
    ],
)
def test_a_gpu_is_found_however_its_name_is_written(name: str, meant: str) -> None:
    found = gpu_type(name)
    assert found is not None
    assert found.name == meant


@pytest.mark.parametrize("name", ["T4", "B300", "", "NVIDIA", "L400", "H1000"])
def test_an_unknown_gpu_is_not_taken_for_another(name: str) -> None:
    assert gpu_type(name) is None


def test_what_a_gpu_reaches_follows_from_what_an_h200_was_read_to_do() -> None:
    assert GPUS["H200"].ceilings == H200
    h100, share = GPUS["H100"].ceilings, 4.3 / 4.8
    assert h100.bandwidth == pytest.approx(3.35e12 * share)
    assert h100.bf16 == pytest.approx(H200.bf16)
    for gpu in GPUS.values():
        assert gpu.ceilings.bandwidth < gpu.bandwidth
        assert gpu.ceilings.bf16 < gpu.bf16
        assert gpu.tf32 == pytest.approx(gpu.bf16 / 2, rel=0.02)


@pytest.mark.parametrize(
    ("recorded", "wanted", "same"),
    [
        ("NVIDIA H200", "H200", True),
        ("NVIDIA H100 80GB HBM3", "H100", True),
        ("NVIDIA H100 NVL", "H100", False),
        ("NVIDIA H100 NVL", "H100-NVL", True),
        ("NVIDIA H100 PCIe", "H100", False),
        ("NVIDIA A100-SXM4-80GB", "A100-80GB", True),
        ("NVIDIA A100-SXM4-80GB", "A100-40GB", False),
        ("NVIDIA L40S", "L4", False),
        ("NVIDIA L4", "L4", True),
        ("NVIDIA GeForce RTX 4090", "RTX-4090", True),
        ("NVIDIA GeForce RTX 4090 D", "RTX-4090", False),
        ("NVIDIA H200 MIG 1g.18gb", "H200", False),
    ],
)
def test_a_record_counts_for_its_own_gpu_only(recorded: str, wanted: str, same: bool) -> None:
    assert is_of_type(recorded, wanted) is same
