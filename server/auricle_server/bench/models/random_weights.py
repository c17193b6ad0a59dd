"""Random weights of full size, under NeMo's names.

The computation is that of a trained model, at the same cost; the transcripts are meaningless. With plain normal weights
every frame looks alike after a few layers, and a frame emits either no token or the maximum. Therefore the rows of a
matrix sum to zero, which cancels what all inputs share (log-mel of about -8, the positive mean after a ReLU); the
subsampling responds only to change; a block adds little to the residual; and the previous labels decide which of the
encoder's features make a label (`_joint`). `auricle_server.bench.models.blank_bias` then sets the token rate.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from auricle_server.bench.models.random_vocabulary import random_vocabulary
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.config import EncoderConfig, ModelConfig
from auricle_server.checkpoints.features import hann_window, mel_filters
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.model.subsampling import stage_widths

BIAS_SPREAD = 0.3
"""Standard deviation of the biases of relative attention, so that positions matter."""
INPUT_GAINS = 3.0, 8.0
"""Input gains of the first LSTM layer and of later ones, whose input is the small state of the layer below."""
FORGETTING = -2.0
"""Bias of the forget gates: the last label should count for more than all earlier ones."""
LABEL_GAIN = 20.0
"""Gain of the prediction network's output in the joint; an LSTM's state is small."""


Progress = Callable[[int, int], None]
"""Receives how many layers of the encoder are drawn, and how many there are."""


class _Draw:
    """Draws parameters on one device, in a fixed order."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._generator = torch.Generator(device).manual_seed(seed)
        self.weights: dict[str, Tensor] = {}

    def normal(self, name: str, *shape: int, spread: float = 1.0) -> None:
        drawn = torch.empty(shape, device=self._device).normal_(0, spread, generator=self._generator)
        self.weights[name] = drawn

    def matrix(self, name: str, *shape: int, gain: float = 1.0) -> None:
        """A weight [out, in, ...] that keeps unit variance, times `gain`, with rows that sum to zero."""
        fan_in = max(1, int(torch.tensor(shape[1:]).prod()))
        self.normal(name, *shape, spread=gain * fan_in**-0.5)
        weight = self.weights[name]
        weight -= weight.mean(tuple(range(1, len(shape))), keepdim=True)

    def constant(self, name: str, value: float, *shape: int) -> None:
        self.weights[name] = torch.full(shape, value, device=self._device)

    def norm(self, name: str, size: int) -> None:
        self.constant(f"{name}.weight", 1.0, size)
        self.constant(f"{name}.bias", 0.0, size)


def random_checkpoint(
    name: str, *, seed: int = 0, device: str | torch.device = "cpu", progress: Progress = lambda *_: None
) -> Checkpoint:
    """A model of the architecture `name` with an uncalibrated token rate.

    Args:
        name: Key of `SHAPES`.
        seed: The same seed gives the same weights on the same kind of device.
        device: Where to draw the weights; a GPU is much faster for the large models.
        progress: Is called after each layer of the encoder.
    """
    return random_weights_of(f"random-{name}", SHAPES[name], seed=seed, device=device, progress=progress)


def random_weights_of(
    name: str,
    config: ModelConfig,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
    progress: Progress = lambda *_: None,
) -> Checkpoint:
    """A model of any architecture; see `random_checkpoint`."""
    draw = _Draw(seed, torch.device(device))
    _features(draw, config)
    _subsampling(draw, config)
    for index in range(config.encoder.layers):
        _layer(draw, f"encoder.layers.{index}", config.encoder)
        progress(index + 1, config.encoder.layers)
    _prediction(draw, config)
    _joint(draw, config)
    vocabulary = random_vocabulary(config.decoder.vocabulary, config.prompt)
    return Checkpoint(name, config, draw.weights, vocabulary.pieces, vocabulary.scores)


def parameters(checkpoint: Checkpoint) -> int:
    """Number of trained parameters: all but the mel filters and the window."""
    features = "preprocessor."
    return sum(value.numel() for name, value in checkpoint.weights.items() if not name.startswith(features))


def _features(draw: _Draw, config: ModelConfig) -> None:
    filters = mel_filters(config.mel)[None]
    window = hann_window(config.mel)
    device = draw._device  # noqa: SLF001 - a helper of this module's own class
    draw.weights["preprocessor.featurizer.fb"] = filters.to(device)
    draw.weights["preprocessor.featurizer.window"] = window.to(device)


def _subsampling(draw: _Draw, config: ModelConfig) -> None:
    prefix, channels = "encoder.pre_encode", config.encoder.conv_channels
    for number in (0, 2, 5):
        draw.matrix(f"{prefix}.conv.{number}.weight", channels, 1, 3, 3)
        weight = draw.weights[f"{prefix}.conv.{number}.weight"]
        weight -= weight.mean(2, keepdim=True)  # over time: a constant input yields nothing
        draw.constant(f"{prefix}.conv.{number}.bias", 0.0, channels)
    for number in (3, 6):
        draw.matrix(f"{prefix}.conv.{number}.weight", channels, channels, 1, 1)
        draw.constant(f"{prefix}.conv.{number}.bias", 0.0, channels)
    width = (stage_widths(config.mel.bins)[-1] - 3) // 2 + 1
    draw.matrix(f"{prefix}.out.weight", config.encoder.d_model, channels * width)
    draw.constant(f"{prefix}.out.bias", 0.0, config.encoder.d_model)


def _layer(draw: _Draw, prefix: str, config: EncoderConfig) -> None:
    d_model, inner = config.d_model, config.expansion * config.d_model
    quiet = (2 * config.layers) ** -0.5
    for name in (
        "norm_feed_forward1",
        "norm_self_att",
        "norm_conv",
        "conv.batch_norm",
        "norm_feed_forward2",
        "norm_out",
    ):
        draw.norm(f"{prefix}.{name}", d_model)
    for number in (1, 2):
        draw.matrix(f"{prefix}.feed_forward{number}.linear1.weight", inner, d_model)
        draw.matrix(f"{prefix}.feed_forward{number}.linear2.weight", d_model, inner, gain=quiet)
    for kind in ("q", "k", "v", "pos"):
        draw.matrix(f"{prefix}.self_attn.linear_{kind}.weight", d_model, d_model)
    draw.matrix(f"{prefix}.self_attn.linear_out.weight", d_model, d_model, gain=quiet)
    for kind in ("u", "v"):
        shape = config.heads, d_model // config.heads
        draw.normal(f"{prefix}.self_attn.pos_bias_{kind}", *shape, spread=BIAS_SPREAD)
    draw.matrix(f"{prefix}.conv.pointwise_conv1.weight", 2 * d_model, d_model, 1)
    draw.normal(f"{prefix}.conv.depthwise_conv.weight", d_model, 1, config.conv_kernel, spread=config.conv_kernel**-0.5)
    draw.matrix(f"{prefix}.conv.pointwise_conv2.weight", d_model, d_model, 1, gain=quiet)


def _prediction(draw: _Draw, config: ModelConfig) -> None:
    hidden, vocabulary = config.decoder.hidden, config.decoder.vocabulary
    draw.normal("decoder.prediction.embed.weight", vocabulary + 1, hidden)
    draw.weights["decoder.prediction.embed.weight"][-1] = 0  # blank is the padding index
    for index in range(config.decoder.layers):
        lstm = "decoder.prediction.dec_rnn.lstm"
        for kind, gain in (("ih", INPUT_GAINS[min(index, 1)]), ("hh", 1.0)):
            draw.matrix(f"{lstm}.weight_{kind}_l{index}", 4 * hidden, hidden, gain=gain)
            draw.constant(f"{lstm}.bias_{kind}_l{index}", 0.0, 4 * hidden)
        draw.weights[f"{lstm}.bias_ih_l{index}"][hidden : 2 * hidden] = FORGETTING


def _joint(draw: _Draw, config: ModelConfig) -> None:
    """Draws units in pairs: same weights for the labels, opposite signs for the audio and for the output.

    relu(p + e) - relu(p - e) is 2 e where p is large and 0 where it is very negative: the labels select which of the
    encoder's features count and contribute nothing themselves. So each label decides again whether its frame emits
    another token, which is rare as in a trained model, and no label silences a stream for good.
    """
    d_model, joint, hidden = config.encoder.d_model, config.decoder.joint, config.decoder.hidden
    if config.prompt:
        draw.matrix("prompt_kernel.0.weight", 2 * d_model, d_model + config.prompt.size)
        draw.constant("prompt_kernel.0.bias", 0.0, 2 * d_model)
        draw.matrix("prompt_kernel.2.weight", d_model, 2 * d_model)
        draw.constant("prompt_kernel.2.bias", 0.0, d_model)
    draw.matrix("joint.enc.weight", joint // 2, d_model)
    draw.matrix("joint.pred.weight", joint // 2, hidden, gain=LABEL_GAIN)
    draw.matrix("joint.joint_net.2.weight", config.decoder.vocabulary + 1, joint // 2)
    for name, dimension, sign in (("enc", 0, -1), ("pred", 0, 1), ("joint_net.2", 1, -1)):
        half = draw.weights[f"joint.{name}.weight"]
        draw.weights[f"joint.{name}.weight"] = torch.cat((half, sign * half), dimension)
    draw.constant("joint.enc.bias", 0.0, joint)
    draw.constant("joint.pred.bias", 0.0, joint)
    draw.constant("joint.joint_net.2.bias", 0.0, config.decoder.vocabulary + 1)
