"""One block of the cache-aware FastConformer (NeMo's `ConformerLayer`): FF/2, attention, convolution, FF/2, norm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import EncoderConfig
from auricle_server.engine.attention import RelativeAttention, RingView
from auricle_server.engine.parameters import Parameters

FEED_FORWARD_EXPANSION = 4
NORM_EPS = 1e-5


class LayerNorm:
    """Layer norm in fp32, whatever the precision of its input."""

    def __init__(self, name: str, size: int, parameters: Parameters) -> None:
        self._weight = parameters.exact(f"{name}.weight", size)
        self._bias = parameters.exact(f"{name}.bias", size)

    def __call__(self, x: Tensor) -> Tensor:
        """Normalises the last dimension."""
        return F.layer_norm(x.float(), self._weight.shape, self._weight, self._bias, NORM_EPS).to(x.dtype)


class Linear:
    """A linear layer, or a 1 x 1 convolution over channels-last input."""

    def __init__(self, name: str, size_in: int, size_out: int, parameters: Parameters) -> None:
        self._weight = parameters.matrix(f"{name}.weight", size_out, size_in)
        self._bias = parameters.bias(f"{name}.bias", size_out)

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size_in] to [..., size_out]."""
        return F.linear(x, self._weight, self._bias)


class FeedForward:
    """Half-step feed-forward with its norm; returns what is added to the residual."""

    def __init__(self, prefix: str, number: int, d_model: int, parameters: Parameters) -> None:
        name, inner = f"{prefix}.feed_forward{number}", FEED_FORWARD_EXPANSION * d_model
        self._norm = LayerNorm(f"{prefix}.norm_feed_forward{number}", d_model, parameters)
        self._up = Linear(f"{name}.linear1", d_model, inner, parameters)
        self._down = Linear(f"{name}.linear2", inner, d_model, parameters)

    def __call__(self, x: Tensor) -> Tensor:
        """[B, c, d_model] to the residual."""
        return self._down(F.silu(self._up(self._norm(x)))) * 0.5


class ConvolutionModule:
    """Causal depthwise convolution between two pointwise ones; the norm is stored under the name ``batch_norm``."""

    def __init__(self, prefix: str, d_model: int, kernel: int, parameters: Parameters) -> None:
        self._norm_in = LayerNorm(f"{prefix}.norm_conv", d_model, parameters)
        self._up = Linear(f"{prefix}.conv.pointwise_conv1", d_model, 2 * d_model, parameters)
        depthwise = parameters.exact(f"{prefix}.conv.depthwise_conv.weight", d_model, 1, kernel)
        self._depthwise = depthwise[:, 0].T.contiguous().to(parameters.dtype)
        self._depthwise_bias = parameters.bias(f"{prefix}.conv.depthwise_conv.bias", d_model)
        self._norm = LayerNorm(f"{prefix}.conv.batch_norm", d_model, parameters)
        self._down = Linear(f"{prefix}.conv.pointwise_conv2", d_model, d_model, parameters)

    def __call__(self, x: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B, c, D] and the kernel - 1 gated frames before it; returns the residual and the next such frames."""
        gated = F.glu(self._up(self._norm_in(x)), -1)
        reach = torch.cat((history, gated), 1)
        frames = x.shape[1]
        taps = [reach[:, tap : tap + frames] * weight for tap, weight in enumerate(self._depthwise)]
        out = torch.stack(taps).sum(0)
        if self._depthwise_bias is not None:
            out = out + self._depthwise_bias
        return self._down(F.silu(self._norm(out))), reach[:, -history.shape[1] :]


class ConformerLayer:
    """One block over slot-resident state."""

    def __init__(
        self, index: int, config: EncoderConfig, chunk_sizes: list[int], left: int, parameters: Parameters
    ) -> None:
        prefix, d_model = f"encoder.layers.{index}", config.d_model
        self._feed_forward1 = FeedForward(prefix, 1, d_model, parameters)
        self._norm_attention = LayerNorm(f"{prefix}.norm_self_att", d_model, parameters)
        self._attention = RelativeAttention(f"{prefix}.self_attn", config, chunk_sizes, left, parameters)
        self._convolution = ConvolutionModule(prefix, d_model, config.conv_kernel, parameters)
        self._feed_forward2 = FeedForward(prefix, 2, d_model, parameters)
        self._norm_out = LayerNorm(f"{prefix}.norm_out", d_model, parameters)

    def __call__(
        self, x: Tensor, keys: Tensor, values: Tensor, history: Tensor, view: RingView
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Runs the block.

        Args:
            x: [B, c, d_model].
            keys: Ring of each row, [B, left, heads, head_dim].
            values: Likewise.
            history: Convolution state, [B, kernel - 1, d_model].
            view: Where each row stands on its ring.

        Returns:
            Output, the chunk's keys and values, and the next convolution state.
        """
        x = x + self._feed_forward1(x)
        attended, key, value = self._attention(self._norm_attention(x), keys, values, view)
        x = x + attended
        convolved, history = self._convolution(x, history)
        x = x + convolved
        return self._norm_out(x + self._feed_forward2(x)), key, value, history
