"""Memory that a model needs, from its configuration alone."""

from __future__ import annotations

import inspect
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch

from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.nemo.adapters import AdapterConfig
from auricle_server.engine import memory_fit as fitting
from auricle_server.engine.memory import (
    MemoryNeed,
    SharedNeed,
    _encoder_outputs,
    cpu_memory_need,
    free_memory,
    memory_need,
    parameter_count,
    shared_slots,
)
from auricle_server.engine.memory_fit import memory_fit
from auricle_server.engine.model import linear
from auricle_server.engine.model.forward import Model
from auricle_server.engine.model.state_pool import CPU_SLOTS, STATE_SHARE
from auricle_server.engine.ops import portable_ops
from auricle_server.engine.weight_formats import WeightFormat, has_fbgemm

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("name", ["demo", "demo-multilingual"])
def test_the_values_of_a_checkpoint_are_counted_to_the_last(name: str) -> None:
    checkpoint = load_checkpoint(name)
    assert parameter_count(checkpoint.config) == sum(checkpoint.weights[key].numel() for key in checkpoint.weights)
    encoder = replace(checkpoint.config.encoder, adapters=(AdapterConfig("mine", 8),))
    more = parameter_count(replace(checkpoint.config, encoder=encoder)) - parameter_count(checkpoint.config)
    assert more == encoder.layers * (2 + 2 * 8) * encoder.d_model


def test_the_published_multilingual_archive_has_as_many_values_as_it_is_said_to_have() -> None:
    assert parameter_count(SHAPES["3.5"]) == 638_030_384


def test_the_state_of_a_stream_is_that_of_the_engine() -> None:
    checkpoint = load_checkpoint("demo")
    model = Model(checkpoint, 3, CPU, torch.float32, portable_ops())
    assert memory_need(checkpoint.config, torch.float32).stream == model.state.bytes_per_slot


def test_matrices_of_the_encoder_take_half_in_bf16_and_all_else_the_same() -> None:
    exact, half = (memory_need(SHAPES["en"], dtype) for dtype in (torch.float32, torch.bfloat16))
    assert exact.weights - half.weights == 24 * 23 * 1024**2 * 2
    assert 0.5 < half.stream / exact.stream < 0.51


@pytest.mark.parametrize("name", ["demo", "demo-multilingual"])
@pytest.mark.parametrize("weights", WeightFormat)
def test_packed_weights_are_counted_as_the_engine_packs_them(
    name: str, weights: WeightFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, packed = load_checkpoint(name), dict.fromkeys(WeightFormat, 0)
    pack = linear.PackedLinear.__init__

    def counted(self: Any, weight: torch.Tensor, *rest: Any, **named: Any) -> None:
        packed[inspect.signature(pack).bind(self, weight, *rest, **named).arguments["weights"]] += weight.numel()
        pack(self, weight, *rest, **named)

    monkeypatch.setattr(linear.PackedLinear, "__init__", counted)
    Model(checkpoint, 1, CPU, torch.float32, portable_ops(), weights=weights)
    exact, need = (memory_need(checkpoint.config, torch.float32, each) for each in (WeightFormat.FLOAT32, weights))
    saved = sum(count * (4 - kind.bytes_per_weight) for kind, count in packed.items())
    factors = _encoder_outputs(checkpoint.config) * 12 if weights is WeightFormat.INT8 else 0
    assert exact.weights - need.weights == saved - factors
    assert exact.stream == need.stream


def test_streams_fill_what_the_weights_leave() -> None:
    need = MemoryNeed(weights=1_000, stream=10)
    assert [need.streams(free, CPU) for free in (0, 1_000, 1_019, 1_100, 10_000)] == [0, 0, 1, 10, 64]
    assert [need.streams(free, CUDA) for free in (1_000, 2_000, 1 << 40)] == [0, 80, 32_768]


def test_this_machine_has_some() -> None:
    assert 0 < free_memory(CPU) < 1 << 50


on_a_cpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a machine with a GPU would run the model there")


@on_a_cpu
def test_what_fits_is_told_of_the_format_of_a_server_that_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda _: 4_000_000_000)
    fit = memory_fit(SHAPES["en"])
    weights = WeightFormat.FP16 if has_fbgemm() else WeightFormat.FLOAT32
    assert (fit.precision, str(fit.device)) == (str(weights), "cpu")
    assert fit.need == cpu_memory_need(SHAPES["en"], weights)
    assert fit.streams == fit.need.streams(4_000_000_000, fit.device) > 0


@on_a_cpu
def test_a_model_that_does_not_fit_holds_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda _: 500_000_000)
    assert memory_fit(SHAPES["en"]).streams == 0
    assert memory_fit(SHAPES["en"], freed=4_000_000_000).streams > 0  # what a smaller model holds now
    assert memory_fit(SHAPES["demo"]).precision == "float32"


# --- the memory of one device, shared by the streams of several models --------------------------------------------

GB = 10**9
EN, MULTI = (memory_need(SHAPES[name], torch.bfloat16) for name in ("en", "3.5"))


def load(models: list[SharedNeed], memory: int) -> tuple[list[int], int]:
    """Loads models one after the other, as a server does; the slots of each, and what is free at the end."""
    slots: list[int] = []
    for number, own in zip(count(1), models, strict=False):
        slots.append(own.slots or shared_slots(own, models[number:], memory, CUDA))
        memory -= own.need.weights + slots[-1] * own.need.stream
    return slots, memory


def test_a_model_alone_gets_what_it_would_get_without_this() -> None:
    assert shared_slots(SharedNeed(EN), (), 80 * GB, CUDA) == EN.streams(80 * GB, CUDA)
    assert shared_slots(SharedNeed(EN), (), 80 * GB, CPU) == EN.streams(80 * GB, CPU) == CPU_SLOTS


def test_two_published_models_on_one_gpu_hold_about_as_many_streams_each_and_fit() -> None:
    (en, multi), free = load([SharedNeed(EN), SharedNeed(MULTI)], 40 * GB)
    left = 40 * GB - EN.weights - MULTI.weights
    assert en == int(left * STATE_SHARE) // (EN.stream + MULTI.stream)
    # What the first one has left for graphs is there for the second one as well.
    assert en <= multi <= 1.3 * en
    assert 0 <= free < 0.2 * left


def test_shares_divide_the_memory_of_the_streams() -> None:
    need = MemoryNeed(GB, 10**6)
    (first, second), free = load([SharedNeed(need, share=3.0), SharedNeed(need)], 12 * GB)
    assert first == int(10 * GB * STATE_SHARE * 3 / 4) // 10**6
    assert second >= first // 3
    assert free >= 0


def test_slots_that_are_given_are_left_for_their_model() -> None:
    need = MemoryNeed(GB, 10**6)
    (first, second), free = load([SharedNeed(need), SharedNeed(need, slots=5000)], 12 * GB)
    assert (first, second) == (int(10 * GB * STATE_SHARE) // 10**6 - 5000, 5000)
    assert free >= 0


@pytest.mark.parametrize("device", [CPU, CUDA])
def test_weights_that_leave_no_room_leave_no_stream(device: torch.device) -> None:
    need = MemoryNeed(6 * GB, 10**6)
    assert shared_slots(SharedNeed(need), [SharedNeed(need)], 11 * GB, device) == 0
