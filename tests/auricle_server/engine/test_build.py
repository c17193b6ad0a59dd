from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import Hardware, build_runner
from auricle_server.engine.model.state_pool import CPU_SLOTS
from auricle_server.engine.runners.cuda_graphs import StaticRunner
from auricle_server.engine.runners.eager import EagerRunner
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


def test_shapes_of_a_static_runner_hold_every_batch_and_no_more_rows_than_there_are_slots() -> None:
    checkpoint, hardware = load_checkpoint(str(tones.CHECKPOINT)), Hardware("cpu", max_frames=56, static=True)
    for slots, most in ((60, {1: 56, 2: 28, 7: 8, 14: 4}), (5, {1: 6, 2: 6, 7: 6, 14: 4})):
        runner = build_runner(checkpoint, slots, hardware.resolved()).runner
        assert isinstance(runner, StaticRunner)
        assert {frames: counts[-1] for frames, counts in runner._counts.items()} == most
