from __future__ import annotations

import math

import pytest
import torch

from auricle_server.engine.model.attention import ALIGNED, RelativeAttention, relative_positions
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.state_pool import LayerState
from auricle_server.engine.ops import portable_ops
from tests.support.engine.tiny_model import CONFIG, LEFT, checkpoint, parameters, rows

ENCODER = CONFIG.encoder
CPU = torch.device("cpu")


def attention() -> RelativeAttention:
    return RelativeAttention("encoder.layers.0.self_attn", ENCODER, [2, 7], LEFT, parameters(), portable_ops())


def rings() -> LayerState:
    shape = 3, ENCODER.heads, LEFT, ENCODER.d_model // ENCODER.heads
    return LayerState(torch.zeros(shape), torch.zeros(shape), torch.zeros(0))


def test_positions_are_the_sinusoids_of_distances() -> None:
    table = relative_positions(8, 3, -1, CPU)
    assert table.shape == (5, 8)
    assert table[0, 0] == pytest.approx(math.sin(3))
    assert table[0, 3] == pytest.approx(math.cos(3 / 10_000 ** (2 / 8)))
    assert table[3].tolist() == [0, 1] * 4  # the distance of a frame to itself
    assert torch.equal(table[4, 0::2], -table[2, 0::2])


def test_tables_are_padded_to_a_width_that_tensor_cores_load_at_once() -> None:
    half = Parameters(checkpoint().weights, CPU, torch.bfloat16)
    layer = RelativeAttention("encoder.layers.0.self_attn", ENCODER, [2, 7], LEFT, half, portable_ops())
    for frames, table in layer._tables.items():
        assert layer._constants[frames].shape[-1] == table.shape[-1]
        assert LEFT + 2 * frames - 1 <= table.shape[-1] < LEFT + 2 * frames - 1 + ALIGNED
        assert table.shape[-1] % ALIGNED == 0


def test_on_a_cpu_chunk_sizes_share_one_table_of_distances() -> None:
    small, large = attention()._tables.values()
    assert small.untyped_storage().data_ptr() == large.untyped_storage().data_ptr()
    assert torch.equal(small, large[:, :, 5:-5]), "the distances of two frames are the inner ones of seven"


def test_two_chunks_equal_one_row_by_row() -> None:
    """A query of the second chunk sees the ring of the first: seven frames at once equal two and five."""
    layer, x = attention(), torch.randn(1, 4, ENCODER.d_model, generator=torch.Generator().manual_seed(1))
    state = rings()
    keys = state.keys
    first = layer(x[:, :2], state, rows([1], 0, 2))
    second = layer(x[:, 2:], state, rows([1], 2, 2))
    alone = layer(x[:, 2:], rings(), rows([1], 0, 2))
    assert first.shape == second.shape == (1, 2, ENCODER.d_model)
    assert not torch.allclose(second, alone), "the second chunk sees the first"
    kept = keys[1, :, :4].clone()
    layer(x[:, :2], rings(), rows([1], 0, 2))
    assert torch.equal(keys[1, :, :4], kept)
    assert not keys[2].any()


def test_a_slot_changes_nothing_for_the_others() -> None:
    layer, x = attention(), torch.randn(2, 2, ENCODER.d_model, generator=torch.Generator().manual_seed(2))
    together = layer(x, rings(), rows([1, 2], 0, 2))
    for row in range(2):
        alone = layer(x[row : row + 1], rings(), rows([1], 0, 2))
        torch.testing.assert_close(together[row], alone[0], atol=1e-6, rtol=1e-5)
