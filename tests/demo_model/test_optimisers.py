from __future__ import annotations

import torch
from torch import Tensor

from demo_model.network.model import DemoModel, Shape
from demo_model.optimisers import Optimisers

SMALL = Shape(tokens=16, mels=16, channels=4, d_model=16, layers=2, heads=2, predictor=8, joint=8)
MATRICES = "linear1", "linear2", "linear_q", "linear_k", "linear_v", "linear_out", "linear_pos"


def model() -> DemoModel:
    torch.manual_seed(1)
    return DemoModel(SMALL)


def loss_of(network: DemoModel) -> Tensor:
    """A loss on which every parameter has a gradient."""
    return torch.stack([(p * torch.linspace(0.5, 1, p.numel()).view_as(p)).sum() for p in network.parameters()]).sum()


def moved(network: DemoModel, optimisers: Optimisers, rate: float) -> dict[str, Tensor]:
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimisers.step(loss_of(network), rate)
    return {name: p.detach() - before[name] for name, p in network.named_parameters()}


def test_every_parameter_moves_against_its_gradient() -> None:
    network = model()
    for name, change in moved(network, Optimisers(network), 1e-3).items():
        assert float(change.sum()) < 0, name


def test_the_encoders_matrices_move_by_muon() -> None:
    network = model()
    changes = moved(network, Optimisers(network), 1e-3)
    chosen = {name for name in changes if name.startswith("encoder.layers.") and name.split(".")[-2] in MATRICES}
    assert len(chosen) == 2 * 9  # two feed-forward pairs and five projections a layer
    for name, change in changes.items():
        uneven = float(change.abs().std() / change.abs().mean())
        if name in chosen:
            assert uneven > 0.05, name
        elif "embed" not in name:  # AdamW's first step is as long for every weight; the blank's embedding stays 0
            assert uneven < 0.05 or change.numel() == 1, name


def test_nothing_moves_on_a_gradient_that_is_not_finite() -> None:
    network = model()
    before = [p.detach().clone() for p in network.parameters()]
    norm = Optimisers(network).step(loss_of(network) * float("nan"), 1e-3)
    assert norm != norm
    assert all(torch.equal(p, old) for p, old in zip(network.parameters(), before, strict=True))


def test_a_training_goes_on_as_if_it_had_not_stopped() -> None:
    through, stopped = model(), model()
    first, before = Optimisers(through), Optimisers(stopped)
    for _ in range(2):
        first.step(loss_of(through).square(), 1e-3)
        before.step(loss_of(stopped).square(), 1e-3)
    after = Optimisers(stopped)
    after.load_state_dict(before.state_dict())
    first.step(loss_of(through).square(), 1e-3)
    after.step(loss_of(stopped).square(), 1e-3)
    assert all(torch.equal(a, b) for a, b in zip(through.parameters(), stopped.parameters(), strict=True))
