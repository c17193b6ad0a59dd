from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.parameters import Parameters
from tests.support.engine.tiny_model import CONFIG, checkpoint, parameters

DECODER = CONFIG.decoder


def test_logits_are_the_product_with_the_output_layer() -> None:
    joint = Joint(DECODER, parameters())
    hidden = torch.randn(3, 2, DECODER.joint, generator=torch.Generator().manual_seed(1))
    assert joint.weight.shape == (DECODER.vocabulary + 1, DECODER.joint)
    torch.testing.assert_close(joint.logits(hidden), hidden @ joint.weight.T + joint.bias, atol=1e-5, rtol=1e-4)


def test_it_stays_in_fp32_whatever_the_precision_of_the_encoder() -> None:
    half = Parameters(checkpoint().weights, torch.device("cpu"), torch.bfloat16)
    assert Joint(DECODER, half).weight.dtype == torch.float32


def test_a_vocabulary_of_another_size_is_refused() -> None:
    weights = {**checkpoint().weights, "joint.joint_net.2.bias": torch.zeros(7)}
    with pytest.raises(BadCheckpoint, match=r"joint_net\.2\.bias"):
        Joint(DECODER, Parameters(weights, torch.device("cpu"), torch.float32))
