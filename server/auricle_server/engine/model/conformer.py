"""The cache-aware FastConformer (NeMo's `ConformerEncoder`) over slot-resident state.

A block is FF/2, attention, convolution, FF/2 and a norm. Every norm but the first takes the sum of the residual stream
and what the module before it adds, so both are one operation, and so are a block's closing norm and the next block's
first. The residual stream is fp32 whatever the precision of the matrix products.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import EncoderConfig
from auricle_server.engine.model.attention import RelativeAttention
from auricle_server.engine.model.linear import PackedLinear
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.state_pool import LayerState
from auricle_server.engine.ops import CacheRows, Ops

HALF = 0.5
"""What a feed-forward module adds counts half; a power of two, so the weights take it without rounding."""


class Norm:
    """Parameters of a layer norm, fp32."""

    def __init__(self, name: str, size: int, parameters: Parameters) -> None:
        self.weight = parameters.exact(f"{name}.weight", size)
        self.bias = parameters.exact(f"{name}.bias", size)


class Linear(PackedLinear):
    """A linear layer, or a 1 x 1 convolution over channels-last input."""

    def __init__(self, name: str, size_in: int, size_out: int, parameters: Parameters, scale: float = 1.0) -> None:
        bias = parameters.bias(f"{name}.bias", size_out)
        weight = parameters.matrix(f"{name}.weight", size_out, size_in)
        super().__init__(weight * scale, None if bias is None else bias * scale)


class FeedForward:
    """Half-step feed-forward behind its norm; returns what is added to the residual stream."""

    def __init__(self, prefix: str, number: int, config: EncoderConfig, parameters: Parameters) -> None:
        d_model = config.d_model
        name, inner = f"{prefix}.feed_forward{number}", config.expansion * d_model
        self.norm = Norm(f"{prefix}.norm_feed_forward{number}", d_model, parameters)
        self._up = Linear(f"{name}.linear1", d_model, inner, parameters)
        self._down = Linear(f"{name}.linear2", inner, d_model, parameters, HALF)

    def __call__(self, normed: Tensor) -> Tensor:
        """[B, c, d_model] to the like."""
        return self._down(F.silu(self._up(normed), inplace=True))


class ConvolutionModule:
    """Causal depthwise convolution between two pointwise ones; the norm is stored under the name ``batch_norm``."""

    def __init__(self, prefix: str, config: EncoderConfig, parameters: Parameters, ops: Ops) -> None:
        d_model, kernel = config.d_model, config.conv_kernel
        self._ops = ops
        self.norm = Norm(f"{prefix}.norm_conv", d_model, parameters)
        self._up = Linear(f"{prefix}.conv.pointwise_conv1", d_model, 2 * d_model, parameters)
        depthwise = parameters.exact(f"{prefix}.conv.depthwise_conv.weight", d_model, 1, kernel)
        self._depthwise = depthwise[:, 0].T.contiguous().to(parameters.dtype)
        self._depthwise_bias = parameters.bias(f"{prefix}.conv.depthwise_conv.bias", d_model)
        inner = Norm(f"{prefix}.conv.batch_norm", d_model, parameters) if config.conv_norm else None
        self._inner = (inner.weight, inner.bias) if inner else (None, None)
        self._down = Linear(f"{prefix}.conv.pointwise_conv2", d_model, d_model, parameters)

    def __call__(self, normed: Tensor, history: Tensor, place: CacheRows) -> Tensor:
        """[B, c, d_model] and the pool of the frames before, [rows, kernel - 1, d_model], to [B, c, d_model]."""
        up = self._up(normed)
        return self._down(self._ops.convolve(up, history, place, self._depthwise, self._depthwise_bias, *self._inner))


class ConformerLayer:
    """One block."""

    def __init__(
        self, index: int, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters, ops: Ops
    ) -> None:
        prefix, d_model = f"encoder.layers.{index}", config.d_model
        self._ops = ops
        self._dtype = parameters.dtype
        self.feed_forward1 = FeedForward(prefix, 1, config, parameters)
        self._norm_attention = Norm(f"{prefix}.norm_self_att", d_model, parameters)
        self._attention = RelativeAttention(f"{prefix}.self_attn", config, chunk_sizes, left, parameters, ops)
        self._convolution = ConvolutionModule(prefix, config, parameters, ops)
        self._feed_forward2 = FeedForward(prefix, 2, config, parameters)
        self.norm_out = Norm(f"{prefix}.norm_out", d_model, parameters)

    def __call__(self, x: Tensor, normed: Tensor, state: LayerState, place: CacheRows) -> Tensor:
        """Runs the block but for its closing norm.

        Args:
            x: Residual stream, [B, c, d_model], fp32; moved on in place.
            normed: Its first norm, in the precision of the products.
            state: The layer's pools.
            place: Where the rows stand.

        Returns:
            What is to be added to `x` before the closing norm.
        """
        normed = self._add(x, self.feed_forward1(normed), self._norm_attention)
        normed = self._add(x, self._attention(normed, state.keys, state.values, place), self._convolution.norm)
        normed = self._add(x, self._convolution(normed, state.history, place), self._feed_forward2.norm)
        return self._feed_forward2(normed)

    def _add(self, x: Tensor, update: Tensor, norm: Norm) -> Tensor:
        return self._ops.add_layer_norm(x, update, norm.weight, norm.bias, self._dtype)


class Conformer:
    """All blocks."""

    def __init__(
        self, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters, ops: Ops
    ) -> None:
        self._ops = ops
        self._dtype = parameters.dtype
        self._layers = [
            ConformerLayer(index, config, chunk_sizes, left, parameters, ops) for index in range(config.layers)
        ]

    def __call__(self, x: Tensor, states: list[LayerState], place: CacheRows) -> Tensor:
        """Encoder frames, [B, c, d_model], fp32.

        Args:
            x: Output of the subsampling, [B, c, d_model], fp32; overwritten.
            states: Pools of every layer.
            place: Where the rows stand.
        """
        first = self._layers[0].feed_forward1.norm
        normed = self._ops.layer_norm(x, first.weight, first.bias, self._dtype)
        for (layer, after), state in zip(pairwise(self._layers), states, strict=False):
            update, out, norm = layer(x, normed, state, place), layer.norm_out, after.feed_forward1.norm
            normed = self._ops.renorm(x, update, out.weight, out.bias, norm.weight, norm.bias, self._dtype)
        update, out = self._layers[-1](x, normed, states[-1], place), self._layers[-1].norm_out
        return self._ops.add_layer_norm(x, update, out.weight, out.bias, torch.float32)
