from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F

from auricle_server.checkpoints.config import PromptConfig
from auricle_server.engine.model.language_prompt import JointProjection, PromptedProjection, joint_projection
from auricle_server.engine.model.parameters import Parameters
from tests.support.engine.tiny_model import CONFIG, CPU, checkpoint, parameters

PROMPTS, INNER = 5, 24
PROMPTED = replace(CONFIG, prompt=PromptConfig(PROMPTS, {"en-US": 0}))


def weights() -> dict[str, torch.Tensor]:
    generator, d_model = torch.Generator().manual_seed(1), CONFIG.encoder.d_model
    shapes = {
        "prompt_kernel.0.weight": (INNER, d_model + PROMPTS),
        "prompt_kernel.0.bias": (INNER,),
        "prompt_kernel.2.weight": (d_model, INNER),
        "prompt_kernel.2.bias": (d_model,),
    }
    drawn = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {**checkpoint().weights, **drawn}


def test_a_prompt_equals_a_one_hot_beside_every_frame() -> None:
    """The two linear layers of NeMo's class, one after the other, with the one-hot spelled out."""
    given = Parameters(weights(), CPU, torch.float32)
    encoded = torch.randn(3, 2, CONFIG.encoder.d_model, generator=torch.Generator().manual_seed(2))
    prompt = torch.tensor([4, 0, 2])
    one_hot = F.one_hot(prompt, PROMPTS).float()[:, None].expand(-1, 2, -1)
    hidden = (
        torch.cat((encoded, one_hot), 2) @ weights()["prompt_kernel.0.weight"].T + weights()["prompt_kernel.0.bias"]
    )
    frames = hidden.relu() @ weights()["prompt_kernel.2.weight"].T + weights()["prompt_kernel.2.bias"]
    expected = frames @ weights()["joint.enc.weight"].T + weights()["joint.enc.bias"]
    found = PromptedProjection(PROMPTED, given)(encoded, prompt)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-4)


def test_a_model_without_a_prompt_ignores_it() -> None:
    projection = joint_projection(CONFIG, parameters())
    assert isinstance(projection, JointProjection)
    encoded = torch.randn(1, 2, CONFIG.encoder.d_model, generator=torch.Generator().manual_seed(3))
    assert torch.equal(projection(encoded, torch.tensor([0])), projection(encoded, torch.tensor([7])))


def test_the_class_of_the_model_chooses() -> None:
    assert isinstance(joint_projection(PROMPTED, Parameters(weights(), CPU, torch.float32)), PromptedProjection)
