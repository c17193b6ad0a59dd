from __future__ import annotations

from pathlib import Path

import pytest
import torch

from auricle_server.engine.model.prediction_network import PredictionNetwork, PredictionState
from auricle_server.engine.model.state_pool import CPU_SLOTS, MOST_SLOTS, StatePool, fitting_slots, zeros
from tests.support.engine.tiny_model import CONFIG, parameters

CPU = torch.device("cpu")


@pytest.fixture
def pool() -> StatePool:
    start = PredictionNetwork(CONFIG.decoder, parameters()).start()
    return StatePool(CONFIG, 3, 70, start, CPU, torch.float32)


def test_rings_have_a_row_for_each_slot_and_the_trash_slot(pool: StatePool) -> None:
    encoder = CONFIG.encoder
    assert len(pool.layers) == encoder.layers
    for layer in pool.layers:
        assert layer.keys.shape == layer.values.shape == (4, encoder.heads, 70, encoder.d_model // encoder.heads)
        assert layer.history.shape == (4, encoder.conv_kernel - 1, encoder.d_model)


def test_audio_is_kept_for_the_next_chunk(pool: StatePool) -> None:
    tail = pool.audio(torch.tensor([1])).shape[1]
    audio = torch.arange(2.0 * (tail + 5)).view(2, -1)
    pool.keep_audio(torch.tensor([2, 0]), audio)
    assert torch.equal(pool.audio(torch.tensor([2]))[0], audio[0, -tail:])
    assert not pool.audio(torch.tensor([1, 3])).any()


def test_a_reset_slot_starts_like_a_new_one(pool: StatePool) -> None:
    slots = torch.tensor([1, 2])
    fresh = pool.prediction(slots)
    for layer in pool.layers:
        layer.history.fill_(1.0)
    pool.keep_audio(slots, torch.ones(2, 5000))
    pool.keep_subsampling(slots, [torch.ones_like(rows) for rows in pool.subsampling(slots)])
    ones = PredictionState(*(torch.ones_like(part) for part in (fresh.hidden, fresh.cell, fresh.projected)))
    pool.keep_prediction(slots, ones)
    pool.reset([1])
    assert not pool.audio(torch.tensor([1])).any()
    assert not any(rows.any() for rows in pool.subsampling(torch.tensor([1])))
    assert not any(layer.history[1].any() for layer in pool.layers)
    assert torch.equal(pool.prediction(torch.tensor([1])).projected, fresh.projected[:1])
    assert pool.audio(torch.tensor([2])).all()


def test_rings_in_fp8_take_half_the_memory_of_bf16_and_start_from_a_warm_state_too() -> None:
    start = PredictionNetwork(CONFIG.decoder, parameters()).start()
    half, narrow = (StatePool(CONFIG, 3, 70, start, CPU, torch.bfloat16, fp8_rings) for fp8_rings in (False, True))
    encoder = CONFIG.encoder
    values = 2 * encoder.layers * 70 * encoder.d_model
    scales = 2 * encoder.layers * 70 * encoder.heads
    assert half.bytes_per_slot - narrow.bytes_per_slot == values - 2 * scales
    for layer in narrow.layers:
        assert layer.key_scales is not None
        layer.keys[1] = torch.full(layer.keys[1].shape, 3.5).to(layer.keys.dtype)
        layer.key_scales[1] = 0.25
    narrow.start_from(1)
    narrow.reset([2, 3])
    for layer in narrow.layers:
        assert layer.key_scales is not None
        assert (layer.keys[2:].float() == 3.5).all()
        assert (layer.key_scales[2:] == 0.25).all()


def test_an_automaton_starts_at_its_root_when_it_is_requested(pool: StatePool) -> None:
    slots = torch.tensor([1, 2, 3])
    pool.keep_key_term_state(slots, torch.tensor([11, 22, 33], dtype=torch.int32))
    requested = torch.tensor([7, -7, 0])
    assert pool.key_term_state(slots, requested).tolist() == [11, 7, 0]


def test_a_cpu_has_a_fixed_number_of_slots() -> None:
    assert fitting_slots(1 << 40, CPU) == CPU_SLOTS


@pytest.mark.parametrize(("free", "slots"), [(80 << 30, 8738), (1 << 20, 1), (1 << 45, MOST_SLOTS)])
def test_a_gpu_has_the_slots_that_its_memory_holds(monkeypatch: pytest.MonkeyPatch, free: int, slots: int) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    assert fitting_slots(7_864_320, torch.device("cuda")) == slots


def own_memory() -> int:
    """Bytes of this process that no file holds."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int32])
def test_zeros_take_memory_when_they_are_written(dtype: torch.dtype) -> None:
    before = own_memory()
    pool = zeros(64, 1 << 20, dtype=dtype, device=CPU)
    assert pool.shape == (64, 1 << 20)
    assert pool.dtype == dtype
    assert own_memory() - before < 8 << 20
    assert not pool[5].any()
    pool[7] = 1
    assert pool.count_nonzero() == 1 << 20
    assert own_memory() - before < 48 << 20
