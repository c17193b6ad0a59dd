from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import Hardware, build_runner
from auricle_server.engine.model.precision import exact_products
from auricle_server.engine.model.state_pool import CPU_SLOTS, MOST_SLOTS, fitting_slots
from auricle_server.engine.runners.cuda_graphs import StaticRunner
from auricle_server.engine.runners.eager import EagerRunner
from auricle_server.engine.runners.pinned_buffers import PinnedBuffers
from tests.support import tones

CPU = torch.device("cpu")


def test_a_cpu_computes_in_fp32_with_shapes_that_fit_the_batch() -> None:
    resolved = Hardware("cpu").resolved()
    assert (resolved.dtype, resolved.kernels, resolved.static) == (torch.float32, False, False)
    built = build_runner(load_checkpoint(str(tones.CHECKPOINT)), None, resolved)
    assert isinstance(built.runner, EagerRunner)
    assert (built.slots, built.chunk_sizes) == (CPU_SLOTS, [1, 2, 7, 14])


def test_a_gpu_computes_in_bf16_with_kernels_and_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    resolved = Hardware().resolved()
    assert (resolved.device, resolved.dtype) == ("cuda", torch.bfloat16)
    assert resolved.kernels
    assert resolved.static


def test_what_is_chosen_is_not_changed() -> None:
    chosen = Hardware("cpu", torch.float64, 77, kernels=False, static=True)
    assert chosen.resolved() == chosen


def test_a_step_is_bounded_in_frames_and_holds_a_row_at_least() -> None:
    assert Hardware("cpu", max_frames=56).rows_of([1, 2, 7, 14]) == {1: 56, 2: 28, 7: 8, 14: 4}
    assert Hardware("cpu", max_frames=8).rows_of([14]) == {14: 1}


@pytest.mark.parametrize(("free", "slots"), [(80 << 30, 8738), (1 << 20, 1), (1 << 45, MOST_SLOTS)])
def test_a_gpu_has_the_slots_that_its_memory_holds(monkeypatch: pytest.MonkeyPatch, free: int, slots: int) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    assert fitting_slots(7_864_320, torch.device("cuda")) == slots


def test_shapes_of_a_static_runner_hold_every_batch() -> None:
    runner = build_runner(
        load_checkpoint(str(tones.CHECKPOINT)), 3, Hardware("cpu", max_frames=56, static=True).resolved()
    )
    assert isinstance(runner.runner, StaticRunner)
    for frames, most in {1: 56, 2: 28, 7: 8, 14: 4}.items():
        buckets = runner.runner._buckets[frames]
        assert buckets[-1] == most
        assert list(buckets) == sorted(set(buckets))
        assert all(larger <= 2 * smaller for smaller, larger in pairwise(buckets))


def test_an_exchange_carries_arrays_of_all_types_there_and_back() -> None:
    exchange = PinnedBuffers(
        CPU, {"pcm": ((3, 5), torch.int16), "numbers": ((2,), torch.int64), "scores": ((7,), torch.float32)}
    )
    exchange.on_host("pcm")[:] = np.arange(15).reshape(3, 5)
    exchange.on_host("numbers")[:] = (1 << 40, -1)
    exchange.send()
    assert exchange.on_device("pcm").tolist() == np.arange(15).reshape(3, 5).tolist()
    assert exchange.on_device("numbers").tolist() == [1 << 40, -1]
    exchange.on_device("scores").copy_(torch.linspace(0, 1, 7))
    exchange.on_device("numbers").zero_()
    exchange.fetch()
    assert exchange.on_host("scores").tolist() == pytest.approx(np.linspace(0, 1, 7).tolist())
    assert exchange.on_host("numbers").tolist() == [0, 0]


def test_features_stay_exact_where_products_may_be_fast() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with exact_products():
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
