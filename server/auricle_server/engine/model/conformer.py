"""The cache-aware FastConformer (NeMo's `ConformerEncoder`) over slot-resident state.

A block is FF/2, attention, convolution, FF/2 and a norm. Every norm but the first takes the sum of the residual stream
and what the module before it adds, so both are one operation, and so are a block's closing norm and the next block's
first. The residual stream is fp32 whatever the precision of the matrix products.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import EncoderConfig
from auricle_server.checkpoints.nemo.adapters import AdapterConfig
from auricle_server.engine.model.attention import RelativeAttention
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.state_pool import LayerState
from auricle_server.engine.ops import CacheRows, ConvolutionWeights, NormWeights, Ops

HALF = 0.5
"""Weight of a feed-forward module in the residual sum (Gulati et al., "Conformer", 2020). A power of two, so it is
multiplied into the module's weights without rounding."""


def _norm(name: str, size: int, parameters: Parameters) -> NormWeights:
    return NormWeights(parameters.exact(f"{name}.weight", size), parameters.exact(f"{name}.bias", size))


class FeedForward:
    """Half-step feed-forward of a normalised input; returns what is added to the residual stream."""

    def __init__(self, prefix: str, number: int, config: EncoderConfig, parameters: Parameters) -> None:
        d_model = config.d_model
        name, inner = f"{prefix}.feed_forward{number}", config.expansion * d_model
        self.norm = _norm(f"{prefix}.norm_feed_forward{number}", d_model, parameters)
        self._up = parameters.linear(f"{name}.linear1", d_model, inner)
        self._down = parameters.linear(f"{name}.linear2", inner, d_model, HALF)

    def __call__(self, normed: Tensor) -> Tensor:
        """[B, c, d_model] to the like."""
        return self._down(F.silu(self._up(normed), inplace=True))


class ConvolutionModule:
    """Causal depthwise convolution between two pointwise ones.

    The published models have a layer norm here (``conv_norm_type: layer_norm``), which NeMo stores under the name
    ``conv.batch_norm`` all the same.
    """

    def __init__(self, prefix: str, config: EncoderConfig, parameters: Parameters, ops: Ops) -> None:
        d_model, kernel = config.d_model, config.conv_kernel
        self._ops = ops
        self.norm = _norm(f"{prefix}.norm_conv", d_model, parameters)
        self._up = parameters.linear(f"{prefix}.conv.pointwise_conv1", d_model, 2 * d_model)
        depthwise = parameters.exact(f"{prefix}.conv.depthwise_conv.weight", d_model, 1, kernel)
        self._inner = ConvolutionWeights(
            # Channels last, as in the activations: threads side by side read values side by side.
            depthwise[:, 0].T.contiguous().to(parameters.dtype),
            parameters.bias(f"{prefix}.conv.depthwise_conv.bias", d_model),
            _norm(f"{prefix}.conv.batch_norm", d_model, parameters) if config.conv_norm else None,
        )
        self._down = parameters.linear(f"{prefix}.conv.pointwise_conv2", d_model, d_model)

    def __call__(self, normed: Tensor, history: Tensor, rows: CacheRows) -> Tensor:
        """[B, c, d_model] and the pool of the frames before, [rows, kernel - 1, d_model], to [B, c, d_model]."""
        return self._down(self._ops.convolve(self._up(normed), history, rows, self._inner))


class LinearAdapter:
    """What an adapter adds to a block's output, in fp32 (NeMo's `LinearAdapter`): a norm, and two products."""

    def __init__(self, prefix: str, config: AdapterConfig, d_model: int, parameters: Parameters, ops: Ops) -> None:
        name = f"{prefix}.adapter_layer.{config.name}.module"
        norm, down, up = (0, 1, 3) if config.norm_first else (3, 0, 2)
        self._ops, self._norm_first, self._activate = ops, config.norm_first, _ACTIVATIONS[config.activation]
        self._norm = _norm(f"{name}.{norm}", d_model, parameters)
        self._down = parameters.outer_product(parameters.exact(f"{name}.{down}.weight", config.dim, d_model))
        self._up = parameters.outer_product(parameters.exact(f"{name}.{up}.weight", d_model, config.dim))

    def __call__(self, x: Tensor) -> Tensor:
        """[B, c, d_model], fp32, to the like."""
        if self._norm_first:
            return self._up(self._activate(self._down(self._ops.layer_norm(x, self._norm, torch.float32))))
        return self._ops.layer_norm(self._up(self._activate(self._down(x))), self._norm, torch.float32)


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "swish": F.silu,
    "silu": F.silu,
    "relu": torch.relu,
    "gelu": F.gelu,
    "selu": torch.selu,
    "hardtanh": F.hardtanh,
    "identity": lambda x: x,
}
"""As NeMo names them (`nemo.collections.common.parts.utils.activation_registry`)."""


class ConformerLayer:
    """One block."""

    def __init__(
        self, index: int, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters, ops: Ops
    ) -> None:
        prefix, d_model = f"encoder.layers.{index}", config.d_model
        self._ops = ops
        self._dtype = parameters.dtype
        self.feed_forward1 = FeedForward(prefix, 1, config, parameters)
        self._norm_attention = _norm(f"{prefix}.norm_self_att", d_model, parameters)
        self._attention = RelativeAttention(f"{prefix}.self_attn", config, chunk_sizes, left, parameters, ops)
        self._convolution = ConvolutionModule(prefix, config, parameters, ops)
        self._feed_forward2 = FeedForward(prefix, 2, config, parameters)
        self.norm_out = _norm(f"{prefix}.norm_out", d_model, parameters)
        self.adapters = [LinearAdapter(prefix, each, d_model, parameters, ops) for each in config.adapters]

    def __call__(self, x: Tensor, normed: Tensor, state: LayerState, rows: CacheRows) -> Tensor:
        """Runs the block but for its closing norm.

        Args:
            x: Residual stream, [B, c, d_model], fp32; advanced in place.
            normed: Its first norm, in the precision of the products.
            state: The layer's pools.
            rows: Where the rows stand.

        Returns:
            What is to be added to `x` before the closing norm.
        """
        normed = self._add(x, self.feed_forward1(normed), self._norm_attention)
        normed = self._add(x, self._attention(normed, state, rows), self._convolution.norm)
        normed = self._add(x, self._convolution(normed, state.history, rows), self._feed_forward2.norm)
        return self._feed_forward2(normed)

    def close(self, x: Tensor, update: Tensor) -> Tensor:
        """The block's output, [B, c, d_model], fp32: the closing norm of the sum, and what the adapters add to it."""
        closed = self._ops.add_layer_norm(x, update, self.norm_out, torch.float32)
        for adapter in self.adapters:
            closed.add_(adapter(closed))
        return closed

    def _add(self, x: Tensor, update: Tensor, norm: NormWeights) -> Tensor:
        return self._ops.add_layer_norm(x, update, norm, self._dtype)


class Conformer:
    """All blocks."""

    def __init__(
        self, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters, ops: Ops
    ) -> None:
        self._ops = ops
        self._dtype = parameters.dtype

        def layer(index: int) -> ConformerLayer:
            # The setting is one of each thread.
            with torch.inference_mode():
                return ConformerLayer(index, config, chunk_sizes, left, parameters, ops)

        # Packing is work of one core: half of the time from start to ready. Each thread holds one unpacked layer.
        with ThreadPoolExecutor(torch.get_num_threads() if parameters.device.type == "cpu" else 1) as pool:
            self._layers = list(pool.map(layer, range(config.layers)))

    def __call__(self, x: Tensor, states: list[LayerState], rows: CacheRows) -> Tensor:
        """Encoder frames, [B, c, d_model], fp32.

        Args:
            x: Output of the subsampling, [B, c, d_model], fp32; overwritten.
            states: Pools of every layer.
            rows: Where the rows stand.
        """
        normed = self._ops.layer_norm(x, self._layers[0].feed_forward1.norm, self._dtype)
        # There is one state more than there are pairs: that of the last layer.
        for (layer, following), state in zip(pairwise(self._layers), states, strict=False):
            update = layer(x, normed, state, rows)
            if layer.adapters:
                x = layer.close(x, update)
                normed = self._ops.layer_norm(x, following.feed_forward1.norm, self._dtype)
            else:
                normed = self._ops.renorm(x, update, layer.norm_out, following.feed_forward1.norm, self._dtype)
        last = self._layers[-1]
        return last.close(x, last(x, normed, states[-1], rows))
