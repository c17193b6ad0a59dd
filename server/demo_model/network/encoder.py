"""The cache-aware FastConformer encoder in plain PyTorch, with NeMo's parameter names.

Follows "Stateful Conformer with Cache-based Inference for Streaming ASR" (Noroozi et al., 2023) as NeMo's
`ConformerEncoder` implements it: causal ``dw_striding`` subsampling by 8, ``chunked_limited`` attention with untied
relative positions, causal convolutions with layer norm, no biases.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Context = tuple[int, int]


def subsampled(lengths: Tensor) -> Tensor:
    """Rows that a causal stride-2 convolution makes of `lengths` rows."""
    return lengths // 2 + 1


class CausalConv2D(nn.Conv2d):
    """3x3 convolution of stride 2 over [B, C, T, F], padded by 2 before and 1 after in both directions."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102 - see the class
        padded = F.pad(x, (2, 1, 2, 1))
        return F.conv2d(padded, self.weight, self.bias, stride=2, groups=self.groups)


class PreEncode(nn.Module):
    """NeMo's `ConvSubsampling` ``dw_striding``: [B, T, mels] to [B, T', d]; rows past a stream's end are zeroed.

    Channels last in memory: that takes a third of the time of a training step's convolutions on CPUs.
    """

    def __init__(self, mels: int, channels: int, d_model: int) -> None:
        super().__init__()
        depthwise = [CausalConv2D(channels, channels, 3, groups=channels) for _ in range(2)]
        pointwise = [nn.Conv2d(channels, channels, 1) for _ in range(2)]
        relu = nn.ReLU()
        self.conv = nn.Sequential(
            CausalConv2D(1, channels, 3), relu, depthwise[0], pointwise[0], relu, depthwise[1], pointwise[1], relu
        )
        self.conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in its stub
        bands = int(subsampled(subsampled(subsampled(torch.tensor(mels)))))
        self.out = nn.Linear(channels * bands, d_model)

    def forward(self, mel: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames [B, T', d] and their number in each row [B]."""
        x = mel[:, None]
        for layer in self.conv:
            if isinstance(layer, CausalConv2D):
                x = layer(masked_rows(x, lengths))
                lengths = subsampled(lengths)
            else:
                x = layer(x)
        x = masked_rows(x, lengths)
        return self.out(x.transpose(1, 2).flatten(2)), lengths


def masked_rows(x: Tensor, lengths: Tensor) -> Tensor:
    """Zero the time rows of [B, C, T, F] at and after each stream's length."""
    valid = torch.arange(x.shape[2], device=x.device)[None] < lengths[:, None]
    return x * valid[:, None, :, None].to(x.dtype)


class FeedForwardBlock(nn.Module):
    """Half of a macaron feed-forward pair: linear, SiLU, linear."""

    def __init__(self, d_model: int, expansion: int = 4) -> None:
        super().__init__()
        self.linear1 = nn.Linear(d_model, expansion * d_model, bias=False)
        self.linear2 = nn.Linear(expansion * d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., d] to [..., d]."""
        y: Tensor = self.linear2(F.silu(self.linear1(x)))
        return y


class RelPositionAttention(nn.Module):
    """Multi-head attention with relative positions (Transformer-XL) and per-layer u and v biases."""

    def __init__(self, d_model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q, self.linear_k, self.linear_v, self.linear_out, self.linear_pos = (
            nn.Linear(d_model, d_model, bias=False) for _ in range(5)
        )
        self.pos_bias_u = nn.Parameter(torch.zeros(heads, d_model // heads))
        self.pos_bias_v = nn.Parameter(torch.zeros(heads, d_model // heads))

    def forward(self, x: Tensor, positions: Tensor, hidden: Tensor) -> Tensor:
        """Attend in x [B, T, d]; positions [2T - 1, d], for T-1 .. 1-T; hidden [B, 1, T, T] masks keys."""
        batch, time, width = x.shape
        q = self.linear_q(x).view(batch, time, self.heads, -1)
        k = self.linear_k(x).view(batch, time, self.heads, -1).permute(0, 2, 3, 1)
        v = self.linear_v(x).view(batch, time, self.heads, -1).transpose(1, 2)
        p = self.linear_pos(positions).view(2 * time - 1, self.heads, -1).permute(1, 2, 0)
        content = (q + self.pos_bias_u).transpose(1, 2) @ k
        position = rel_shift((q + self.pos_bias_v).transpose(1, 2) @ p)
        scores = (content + position).float() / math.sqrt(width // self.heads)
        weights = scores.masked_fill(hidden, -10000.0).softmax(-1).masked_fill(hidden, 0.0)
        mixed = (weights.to(v.dtype) @ v).transpose(1, 2).reshape(batch, time, width)
        out: Tensor = self.linear_out(mixed)
        return out


def rel_shift(x: Tensor) -> Tensor:
    """[B, H, T, 2T - 1] scores by distance (T-1 .. 1-T) to [B, H, T, T] scores by key."""
    batch, heads, time, _ = x.shape
    padded = F.pad(x, (1, 0)).view(batch, heads, 2 * time, time)
    return padded[:, :, 1:].reshape(batch, heads, time, 2 * time - 1)[..., :time]


class Convolution(nn.Module):
    """Pointwise GLU, causal depthwise convolution, layer norm (named batch_norm as in NeMo), SiLU, pointwise."""

    def __init__(self, d_model: int, kernel: int) -> None:
        super().__init__()
        self.pointwise_conv1 = nn.Conv1d(d_model, 2 * d_model, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(d_model, d_model, kernel, groups=d_model, bias=False)
        self.batch_norm = nn.LayerNorm(d_model)
        self.pointwise_conv2 = nn.Conv1d(d_model, d_model, 1, bias=False)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Convolve x [B, T, d]; valid [B, T, 1] is zero past a stream's end."""
        x = F.glu(F.linear(x, self.pointwise_conv1.weight[..., 0]), -1) * valid.to(x.dtype)
        kernel = self.depthwise_conv.weight.shape[-1]
        x = F.conv1d(F.pad(x.transpose(1, 2), (kernel - 1, 0)), self.depthwise_conv.weight, groups=x.shape[-1])
        x = F.silu(self.batch_norm(x.transpose(1, 2)))
        return F.linear(x, self.pointwise_conv2.weight[..., 0])


class ConformerBlock(nn.Module):
    """Half feed-forward, attention, convolution, half feed-forward, layer norm."""

    def __init__(self, d_model: int, heads: int, kernel: int, expansion: int = 4) -> None:
        super().__init__()
        self.norm_feed_forward1 = nn.LayerNorm(d_model)
        self.feed_forward1 = FeedForwardBlock(d_model, expansion)
        self.norm_self_att = nn.LayerNorm(d_model)
        self.self_attn = RelPositionAttention(d_model, heads)
        self.norm_conv = nn.LayerNorm(d_model)
        self.conv = Convolution(d_model, kernel)
        self.norm_feed_forward2 = nn.LayerNorm(d_model)
        self.feed_forward2 = FeedForwardBlock(d_model, expansion)
        self.norm_out = nn.LayerNorm(d_model)

    def forward(self, x: Tensor, positions: Tensor, hidden: Tensor, valid: Tensor) -> Tensor:
        """[B, T, d] to [B, T, d]; see the two modules for the other arguments."""
        x = x + 0.5 * self.feed_forward1(self.norm_feed_forward1(x))
        x = x + self.self_attn(self.norm_self_att(x), positions, hidden)
        x = x + self.conv(self.norm_conv(x), valid)
        x = x + 0.5 * self.feed_forward2(self.norm_feed_forward2(x))
        out: Tensor = self.norm_out(x)
        return out


def chunked_mask(frames: int, context: Context) -> Tensor:
    """[T, T], true where query i may see key j: in its own chunk of right + 1 frames or left // (right + 1) before."""
    left, right = context
    chunk = torch.arange(frames) // (right + 1)
    behind = chunk[:, None] - chunk[None, :]
    return (behind >= 0) & (behind <= left // (right + 1))


def positional_table(frames: int, d_model: int, device: torch.device) -> Tensor:
    """Sinusoids [2T - 1, d] for distances T-1 .. 1-T."""
    distance = torch.arange(frames - 1, -frames, -1, dtype=torch.float32, device=device)
    rates = torch.exp(torch.arange(0, d_model, 2, dtype=torch.float32, device=device) * -(math.log(10000.0) / d_model))
    table = torch.zeros(2 * frames - 1, d_model, device=device)
    table[:, 0::2] = torch.sin(distance[:, None] * rates)
    table[:, 1::2] = torch.cos(distance[:, None] * rates)
    return table


class Encoder(nn.Module):
    """Log-mel [B, T, mels] to encoder frames [B, T', d] of 80 ms, in one attention context for all rows."""

    def __init__(
        self, mels: int, channels: int, d_model: int, layers: int, heads: int, kernel: int, expansion: int = 4
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.xscale = math.sqrt(d_model)
        self.pre_encode = PreEncode(mels, channels, d_model)
        self.layers = nn.ModuleList(ConformerBlock(d_model, heads, kernel, expansion) for _ in range(layers))

    def forward(self, mel: Tensor, lengths: Tensor, context: Context) -> tuple[Tensor, Tensor]:
        """Frames and their number in each row, all in the (left, right) context."""
        with torch.autocast(mel.device.type, enabled=False):  # log-mel needs more than bf16's eight bits
            x, lengths = self.pre_encode(mel, lengths)
        x = x * self.xscale
        frames = x.shape[1]
        valid = torch.arange(frames, device=x.device)[None] < lengths[:, None]
        seen = chunked_mask(frames, context).to(x.device) & valid[:, None, :] & valid[:, :, None]
        positions = positional_table(frames, self.d_model, x.device)
        for layer in self.layers:
            x = layer(x, positions, ~seen[:, None], valid[..., None])
        return x, lengths
