"""Projection of encoder frames for the joint, with the language prompt folded in.

The multilingual class (NeMo's `EncDecRNNTBPEModelWithPrompt`) appends a one-hot of the language to every frame and
passes both through two linear layers. A one-hot times a matrix is a column of it, so the language is a bias chosen per
row; and the second layer has no nonlinearity before the joint's own projection, so both are one matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.engine.model.parameters import Parameters


class JointProjection:
    """Encoder frames to the joint's input, without a prompt."""

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        weight = parameters.exact("joint.enc.weight", config.decoder.joint, config.encoder.d_model)
        self._product = parameters.outer_product(weight, parameters.exact("joint.enc.bias", config.decoder.joint))

    def __call__(self, encoded: Tensor, _prompt: Tensor) -> Tensor:
        """[B, c, d_model] to [B, c, joint], fp32; ignores the prompts, [B]."""
        return self._product(encoded.float())


class PromptedProjection:
    """Encoder frames to the joint's input, under a language prompt per row."""

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        assert config.prompt is not None
        d_model, size = config.encoder.d_model, config.prompt.size
        inner = parameters.exact("prompt_kernel.0.bias").numel()  # NeMo's width is 2 d_model
        first = parameters.exact("prompt_kernel.0.weight", inner, d_model + size)
        self._first = parameters.outer_product(first[:, :d_model].contiguous())
        # The columns that a one-hot would select. So the language may change with any chunk, at the cost of a look-up.
        self._bias_of_prompt = first[:, d_model : d_model + size].T + parameters.exact("prompt_kernel.0.bias", inner)
        # Folded in fp64 and rounded once: two fp32 layers that become one must not lose their agreement with NeMo.
        joint = parameters.exact("joint.enc.weight", config.decoder.joint, d_model).double()
        folded = (joint @ parameters.exact("prompt_kernel.2.weight", d_model, inner).double()).float()
        bias = joint @ parameters.exact("prompt_kernel.2.bias", d_model).double()
        bias += parameters.exact("joint.enc.bias", config.decoder.joint).double()
        self._folded = parameters.outer_product(folded, bias.float())

    def __call__(self, encoded: Tensor, prompt: Tensor) -> Tensor:
        """[B, c, d_model] and prompt indices [B] to [B, c, joint], fp32."""
        hidden = self._first(encoded.float()) + self._bias_of_prompt[prompt][:, None]
        return self._folded(torch.relu(hidden))


def joint_projection(config: ModelConfig, parameters: Parameters) -> JointProjection | PromptedProjection:
    """The projection of the model's class."""
    return PromptedProjection(config, parameters) if config.prompt else JointProjection(config, parameters)
