from __future__ import annotations

import pytest
import torch

from auricle_server.engine.ops import JointInputs, Ops
from auricle_server.engine.ops.inputs import ALPHA
from tests.support.engine.step_inputs import Source, assert_near

CPU = torch.device("cpu")


def test_portable_equals_the_textbook(portable: Ops) -> None:
    source = Source(3, CPU)
    encoded, projected = source.normal(4, 7, 8), source.normal(4, 8)
    weight, bias, at = source.normal(11, 8), source.normal(11), torch.tensor([0, 2, 4, 3])
    token, log_probability, power = portable.joint_scores(JointInputs(encoded, at, projected, weight, bias), 3)
    assert token.dtype == torch.int32
    for row in range(4):
        for step in range(3):
            logits = weight @ torch.relu(encoded[row, at[row] + step] + projected[row]) + bias
            assert token[row, step] == logits.argmax()
            torch.testing.assert_close(log_probability[row, step], logits.log_softmax(0).max())
            torch.testing.assert_close(power[row, step], logits.softmax(0).pow(ALPHA).sum())


@pytest.mark.parametrize(
    ("batch", "frames", "size", "tokens", "window"),
    [(1, 1, 32, 12, 1), (5, 6, 48, 65, 3), (3, 14, 40, 129, 14), (20, 2, 16, 64, 1), (40, 3, 33, 70, 2)],
)
def test_kernels_equal_portable(
    kernels: Ops, portable: Ops, batch: int, frames: int, size: int, tokens: int, window: int
) -> None:
    from tests.support.engine.kernels import device_of_kernels

    source = Source(batch, device_of_kernels())
    encoded, projected = source.normal(batch, frames, size), source.normal(batch, size)
    weight, bias, at = source.normal(tokens, size), source.normal(tokens), source.integers(0, frames + 1, batch)
    at[0] = 0
    ours = kernels.joint_scores(JointInputs(encoded, at, projected, weight, bias), window)
    theirs = portable.joint_scores(JointInputs(encoded, at, projected, weight, bias), window)
    inside = at[:, None] + torch.arange(window, device=source.device) < frames
    assert inside.any()
    assert torch.equal(ours[0][inside], theirs[0][inside])
    assert_near(ours[1][inside], theirs[1][inside])
    assert_near(ours[2][inside], theirs[2][inside])
    assert ours[1].isfinite().all()
    assert ours[2].isfinite().all()  # whatever a frame past the chunk gives, nobody stumbles over it


def test_of_equals_the_lowest_token_wins(kernels: Ops, portable: Ops) -> None:
    from tests.support.engine.kernels import device_of_kernels

    # Sums of small integers are exact in any order: the columns tie on every processor, whatever the order in which its
    # matrix product adds, and whatever it fuses.
    source, whole = Source(8, device_of_kernels()), torch.float32
    encoded, projected = source.integers(-1, 2, 3, 2, 16, dtype=whole), source.integers(-4, 5, 3, 16, dtype=whole)
    weight = source.integers(-1, 2, 1, 16, dtype=whole).expand(200, -1).contiguous()
    at, bias = source.integers(0, 1, 3), torch.zeros(200, device=source.device)
    bias[[7, 9, 70, 199]] = 1.0  # in one block of tokens, and in others
    for ops in (kernels, portable):
        token, log_probability, power = ops.joint_scores(JointInputs(encoded, at, projected, weight, bias), 2)
        assert token.eq(7).all()
        share = torch.e / (4 * torch.e + 196)
        torch.testing.assert_close(log_probability.exp(), torch.full_like(log_probability, share))
        each = 1 / (4 * torch.e + 196)
        expected = 4 * (torch.e * each) ** ALPHA + 196 * each**ALPHA
        torch.testing.assert_close(power, torch.full_like(power, expected))
