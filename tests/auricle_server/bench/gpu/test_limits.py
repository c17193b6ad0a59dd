from __future__ import annotations

from dataclasses import replace

import pytest

from auricle_server.bench.gpu.arithmetic import Ceilings, Work
from auricle_server.bench.gpu.limits import MeasuredStep, kernels_by_part, part_of, step_limit

CEILINGS = Ceilings(bandwidth=4e12, bf16=800e12, tf32=400e12, fp8=1600e12)
WORK = (Work("products", 4e9, 3.2e12, 0.8e12), Work("attention", 8e9, 1e9))
"""6 ms of arithmetic against 1 ms of bytes, and 2 ms of bytes against next to nothing."""
STEP = MeasuredStep(1, 2048, 0.010, 0.0095, 0.004, {"products": 0.0065, "attention": 0.0025}, 500)


@pytest.mark.parametrize(
    ("kernel", "part"),
    [
        ("_attend_heads", "attention"),
        ("_convolve_rows", "convolution"),
        ("_norm_rows", "norms"),
        ("_score_blocks", "joint"),
        ("nvjet_tst_128x256_64x4_1x2_h_bz_coopA_TNT", "products"),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64", "products"),
        ("void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm_256x128_16x3_tn_align4>", "products"),
        ("sm80_xmma_fprop_implicit_gemm_tf32f32_f32", "products"),
        ("void at::native::conv_depthwise2d_forward_kernel<3, float, int>", "subsampling"),
        ("void at::native::vectorized_elementwise_kernel<4, silu>", "elementwise"),
        ("Memcpy HtoD (Pinned -> Device)", "elementwise"),
    ],
)
def test_kernels_belong_to_parts_by_their_names(kernel: str, part: str) -> None:
    assert part_of(kernel) == part


def test_times_of_kernels_are_summed_by_part() -> None:
    assert kernels_by_part([("_attend_heads", 1.0), ("copy", 2.0), ("_attend_heads", 0.5)]) == {
        "attention": 1.5,
        "elementwise": 2.0,
    }


def test_the_longest_part_and_its_unit_are_the_bound() -> None:
    limit = step_limit(STEP, WORK, CEILINGS)
    assert [part.part for part in limit.parts] == ["products", "attention"]
    assert limit.floor == pytest.approx(0.008, rel=0.01)
    assert limit.bound.startswith("arithmetic units (products, 92% of whose time is its floor)")
    slow = replace(STEP, kernels={"products": 0.0065, "attention": 0.03}, device=0.04, period=0.04, waited=0.03)
    assert step_limit(slow, WORK, CEILINGS).bound.startswith("memory bandwidth (attention, 7%")


def test_in_fp8_the_arithmetic_takes_half() -> None:
    parts = {part.part: part.arithmetic for part in step_limit(STEP, WORK, CEILINGS, fp8=True).parts}
    assert parts["products"] == pytest.approx(0.004)


def test_without_a_profile_the_floors_tell() -> None:
    limit = step_limit(replace(STEP, kernels={}, launches=0), WORK, CEILINGS)
    assert limit.bound.startswith("arithmetic units (products, by the floors alone); the whole step is at 84%")


def test_a_host_that_never_waits_is_the_bound() -> None:
    assert step_limit(replace(STEP, waited=0.0001), WORK, CEILINGS).bound.startswith("host time: it is busy for 99%")


def test_gaps_between_kernels_are_launch_overhead() -> None:
    limit = step_limit(replace(STEP, kernels={"products": 0.003}), WORK, CEILINGS)
    assert limit.bound == "launch overhead: no kernel runs for 68% of the device's time, between 500 launches"
