from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from auricle_server.engine.ops.torch_ops import TorchOps, _Scratch
from tests.auricle_server.engine.ops.kernels.test_attention import attention
from tests.support.engine.step_inputs import Source

CPU = torch.device("cpu")


def test_memory_is_kept_for_the_same_name_and_shape() -> None:
    scratch = _Scratch()
    first = scratch.take("a", (3, 4), CPU)
    assert scratch.take("a", (3, 4), CPU) is first
    assert scratch.take("b", (3, 4), CPU).data_ptr() != first.data_ptr()


def test_a_smaller_shape_takes_the_same_memory_and_a_larger_one_new_memory() -> None:
    scratch = _Scratch()
    first = scratch.take("a", (3, 4), CPU)
    smaller = scratch.take("a", (2, 5), CPU)
    assert (smaller.data_ptr(), smaller.shape, smaller.is_contiguous()) == (first.data_ptr(), (2, 5), True)
    larger = scratch.take("a", (9, 9), CPU)
    assert larger.shape == (9, 9)
    assert larger.untyped_storage().nbytes() >= 9 * 9 * 4


@pytest.mark.parametrize("chunks", [2, 3])
def test_a_row_of_several_chunks_equals_its_chunks_one_after_the_other(chunks: int) -> None:
    frames, left = 3, 12
    whole = attention(Source(chunks, CPU), chunks * frames, 2, 8, left, left)
    whole.rows.valid.fill_(chunks * frames)
    ops = TorchOps()
    steps = whole.again()
    # Of the distances within the whole row, a chunk's queries see those of its own table alone.
    begin, distances = (chunks - 1) * frames, left + 2 * frames - 1
    by_position = whole.inputs.by_position[..., begin : begin + distances].contiguous()
    constant = whole.inputs.constant[:, begin : begin + distances].contiguous()
    seen = replace(whole.inputs, by_position=by_position, constant=constant)
    together = ops.attend(seen, replace(whole.rows, reach=left, chunk=frames))
    for number in range(chunks):
        first = number * frames
        rows = replace(
            steps.rows,
            position=steps.rows.position + first,
            valid=torch.full_like(steps.rows.valid, frames),
            write_slots=steps.rows.slots if number + 1 < chunks else steps.rows.write_slots,
            reach=left,
        )
        of_chunk = by_position.view(2, 6, chunks * frames, distances)[:, :, first : first + frames]
        inputs = replace(
            steps.inputs,
            qkv=steps.inputs.qkv[:, first : first + frames],
            by_position=of_chunk.reshape(2, 6 * frames, distances),
            constant=constant,
        )
        out = ops.attend(inputs, rows)
        unique = slice(0, 4)  # the last rows share the trash slot
        expected = together.view(6, chunks, frames, -1)[unique, number]
        torch.testing.assert_close(out[unique], expected, atol=1e-5, rtol=1e-5)
