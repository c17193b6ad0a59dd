from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from auricle_server.engine.ops import KeyTermRows, Ops
from tests.auricle_server.engine.ops.test_key_terms import BATCH, BLANK, FRAMES, scene, scores
from tests.support.engine.step_inputs import Source, assert_near


@pytest.mark.parametrize(("seed", "window"), [(1, 1), (2, 2), (3, 5)])
def test_kernels_favour_what_portable_favours(kernels: Ops, portable: Ops, seed: int, window: int) -> None:
    from tests.support.engine.kernels import device_of_kernels

    device = device_of_kernels()
    made, given = scene(seed, device), scores(seed, device, window, portable)
    ours, theirs = given.favour(kernels, made), given.favour(portable, made)
    inside = given.inputs.at[:, None] + torch.arange(window, device=device) < FRAMES
    assert torch.equal(ours[0][inside], theirs[0][inside])
    assert_near(ours[1][inside], theirs[1][inside])
    assert not torch.equal(theirs[0], given.scores.token)
    assert torch.equal(ours[0][made.states == 0], given.scores.token[made.states == 0])
    assert torch.equal(ours[1][made.states == 0], given.scores.log_probability[made.states == 0])


@pytest.mark.parametrize("triton", [False, True])
def test_automata_follow_the_labels(kernels: Ops, portable: Ops, triton: bool) -> None:
    from tests.support.engine.kernels import device_of_kernels

    device = device_of_kernels()
    made, source = scene(4, device), Source(5, device)
    ops = kernels if triton else portable
    for _ in range(12):
        label, active = source.integers(0, BLANK, BATCH), source.integers(0, 4, BATCH) > 0
        expected = made.states.clone()
        for row in range(BATCH):
            follower = made.follower(row)
            if follower is not None and active[row]:
                base = int(made.states[row]) - follower.state
                follower.follow(int(label[row]))
                expected[row] = base + follower.state
        after = made.states.clone()
        ops.follow(label, active, KeyTermRows(made.tables, after))
        assert torch.equal(after, expected)
        made = replace(made, states=after)
    assert made.states[0] == 0
