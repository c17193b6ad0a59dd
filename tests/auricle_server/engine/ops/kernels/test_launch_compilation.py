"""Every kernel compiles for the GPU that production runs on (sm_90), at the published models' shapes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from auricle_server.engine.model.key_term_tables import KeyTermPool, Size
from auricle_server.engine.ops import (
    AttentionInputs,
    ConvolutionWeights,
    JointInputs,
    JointScores,
    KeyTermRows,
    NormWeights,
    fp8,
    triton_ops,
)
from tests.support.engine.step_inputs import Source

pytest.importorskip("triton", reason="Triton is not installed")
from auricle_server.engine.ops.kernels.fp8 import quantise_rows
from auricle_server.engine.ops.kernels.launch import ceil_div, power_of_two, warps_of
from tests.support.engine.kernels import HOPPER, Compiled, compiled_for

D_MODEL, HEADS, TAPS, JOINT, HIDDEN = 1024, 8, 9, 640, 640
SOURCE = Source(1, torch.device("cpu"))
BF16, FP32 = torch.bfloat16, torch.float32
REGISTERS, THREADS_AT_ONCE, SHARED_BYTES, RESERVED_BYTES = 65536, 2048, 228 * 1024, 1024
"""Of one multiprocessor; of its shared memory, some is reserved for each program."""


@pytest.fixture
def compiled() -> Iterator[list[Compiled]]:
    with pytest.MonkeyPatch.context() as patch, compiled_for(HOPPER, patch) as done:
        yield done


def check(done: list[Compiled], least_programs: int) -> None:
    """Nothing spills, and a multiprocessor holds so many programs at once that it hides the memory's latency."""
    assert done
    for kernel in done:
        print(kernel)
        assert kernel.spilled_bytes == 0, kernel
        programs = min(
            REGISTERS // (kernel.registers * kernel.threads),
            THREADS_AT_ONCE // kernel.threads,
            SHARED_BYTES // (kernel.shared_bytes + RESERVED_BYTES),
        )
        assert programs >= least_programs, kernel


@pytest.mark.parametrize("dtype", [BF16, FP32])
def test_norms(compiled: list[Compiled], dtype: torch.dtype) -> None:
    x, update, weight = torch.empty(4, 1, D_MODEL), torch.empty(4, 1, D_MODEL, dtype=dtype), torch.empty(D_MODEL)
    ops = triton_ops()
    norm = NormWeights(weight, weight)
    ops.layer_norm(x, norm, dtype)
    ops.add_layer_norm(x, update, norm, dtype)
    ops.renorm(x, update, norm, norm, dtype)
    check(compiled, least_programs=12)


@pytest.mark.parametrize(("frames", "dtype"), [(1, BF16), (14, BF16), (2, FP32)])
def test_convolution(compiled: list[Compiled], frames: int, dtype: torch.dtype) -> None:
    up, weight = torch.empty(4, frames, 2 * D_MODEL, dtype=dtype), torch.empty(TAPS, D_MODEL, dtype=dtype)
    history, norm = torch.empty(3, TAPS - 1, D_MODEL, dtype=dtype), torch.empty(D_MODEL)
    weights = ConvolutionWeights(weight, None, NormWeights(norm, norm))
    triton_ops().convolve(up, history, SOURCE.cache_rows(4, frames, 70, 70), weights)
    check(compiled, least_programs=3)


@pytest.mark.parametrize(
    ("frames", "left", "heads", "size", "dtype"),
    [(frames, 70, HEADS, 128, BF16) for frames in (1, 2, 7, 14)]
    + [(frames, 56, HEADS, 128, BF16) for frames in (1, 4, 14)]
    + [(2, 70, 4, 40, FP32)],
)
def test_attention(compiled: list[Compiled], frames: int, left: int, heads: int, size: int, dtype: torch.dtype) -> None:
    distances = left + 2 * frames - 1
    keys, values = torch.empty(2, 3, heads, left, size, dtype=dtype)
    inputs = AttentionInputs(
        torch.empty(4, frames, 3, heads, size, dtype=dtype),
        torch.empty(heads, 4 * frames, distances, dtype=dtype),
        keys,
        values,
        torch.empty(heads, size),
        torch.empty(heads, distances),
    )
    triton_ops().attend(inputs, SOURCE.cache_rows(4, frames, left, left))
    check(compiled, least_programs=3 if dtype == BF16 else 1)
    assert "mma" in compiled[0].ptx  # on tensor cores
    assert "ld.global.v4" in compiled[0].ptx or ".v4.b32" in compiled[0].ptx  # 16 bytes of a ring at once


@pytest.mark.parametrize(("frames", "left"), [(1, 70), (2, 70), (7, 70), (14, 70), (1, 56), (4, 56), (14, 56)])
def test_attention_over_rings_in_fp8(compiled: list[Compiled], frames: int, left: int) -> None:
    distances = left + 2 * frames - 1
    keys, values = torch.empty(2, 3, HEADS, left, 128, dtype=fp8.FORMAT)
    key_scales, value_scales = torch.empty(2, 3, HEADS, left, dtype=fp8.SCALES)
    inputs = AttentionInputs(
        torch.empty(4, frames, 3, HEADS, 128, dtype=BF16),
        torch.empty(HEADS, 4 * frames, distances, dtype=BF16),
        keys,
        values,
        torch.empty(HEADS, 128),
        torch.empty(HEADS, distances),
        key_scales,
        value_scales,
    )
    triton_ops().attend(inputs, SOURCE.cache_rows(4, frames, left, left))
    # Two programs ask for 36 kB at once, all multiprocessors for 4.7 MB: more than 4.3 TB/s deliver in a microsecond.
    check(compiled, least_programs=2)
    assert "mma" in compiled[0].ptx
    assert "cvt.rn.f16x2.e4m3x2" in compiled[0].ptx  # two values an instruction


@pytest.mark.parametrize("size", [1024, 4096])
def test_rows_in_fp8(compiled: list[Compiled], size: int) -> None:
    quantise_rows(torch.empty(64, size, dtype=BF16))
    check(compiled, least_programs=8)


@pytest.mark.parametrize("precision", ["tf32", "ieee"])
@pytest.mark.parametrize(("tokens", "batch", "window"), [(1025, 16, 1), (1025, 1024, 2), (13088, 1024, 1)])
def test_joint(compiled: list[Compiled], tokens: int, batch: int, window: int, precision: str) -> None:
    inputs = JointInputs(
        torch.empty(batch, 2, JOINT),
        torch.zeros(batch, dtype=torch.int64),
        torch.empty(batch, JOINT),
        torch.empty(tokens, JOINT),
        torch.empty(tokens),
    )
    triton_ops(precision).joint_scores(inputs, window)
    check(compiled, least_programs=1)
    assert ("mma" in compiled[0].ptx) == (precision == "tf32")


def test_the_rest_of_the_search(compiled: list[Compiled]) -> None:
    batch, ops = 1024, triton_ops()
    search, last = SOURCE.search(batch, 140, 14)
    token, score = torch.zeros(batch, 14, dtype=torch.int32), torch.zeros(batch, 14)
    ops.take_labels(JointScores(token, score, score.clone()), last, 1024, 10, search)
    hidden = torch.empty(batch, HIDDEN)
    ops.advance_cell(torch.empty(batch, 4 * HIDDEN), hidden, hidden.clone(), search.active)
    ops.hold(hidden, hidden.clone(), search.active)
    check(compiled, least_programs=1)


@pytest.mark.parametrize(("tokens", "frames"), [(1025, 2), (13088, 14)])
def test_key_terms(compiled: list[Compiled], tokens: int, frames: int) -> None:
    batch, ops = 64, triton_ops()
    pool = KeyTermPool(Size(100, 1000), tokens - 1, torch.device("cpu"))
    state = torch.zeros(batch, dtype=torch.int32)
    token, score = torch.zeros(batch, frames, dtype=torch.int32), torch.zeros(batch, frames)
    inputs = JointInputs(
        torch.empty(batch, frames, JOINT),
        torch.zeros(batch, dtype=torch.int64),
        torch.empty(batch, JOINT),
        torch.empty(tokens, JOINT),
        torch.empty(tokens),
    )
    terms = KeyTermRows(pool.tables, state)
    ops.favour(inputs, JointScores(token, score, score.clone()), state.clone(), terms)
    ops.follow(torch.zeros(batch, dtype=torch.int64), torch.zeros(batch, dtype=torch.bool), terms)
    check(compiled, least_programs=4)


def test_blocks_cover_what_they_must() -> None:
    assert [ceil_div(size, 8) for size in (1, 8, 9)] == [1, 1, 2]
    assert [power_of_two(size) for size in (1, 2, 3, 640)] == [1, 2, 4, 1024]
    assert power_of_two(3, 16) == 16
    assert [warps_of(block) for block in (64, 1024, 8192)] == [1, 4, 8]
