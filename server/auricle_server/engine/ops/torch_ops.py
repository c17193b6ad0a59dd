"""The operations in plain PyTorch: what a CPU runs, and the reference of the kernels.

Nothing here waits for the device or makes a shape from data, so a CUDA graph may hold these operations too.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.engine.ops import fp8
from auricle_server.engine.ops.inputs import (
    ALPHA,
    NORM_EPS,
    AttentionInputs,
    CacheRows,
    ConvolutionWeights,
    JointInputs,
    JointScores,
    KeyTermRows,
    NormWeights,
    SearchState,
)
from auricle_server.engine.ops.key_terms import favoured, followed, outgoing_arcs
from auricle_server.engine.ops.ring_view import RingView


class TorchOps:
    """Implements `Ops`; not thread-safe, because it keeps memory between calls."""

    multi_chunk_rows = True

    def __init__(self) -> None:
        self._scratch = _Scratch()
        self._latest: tuple[CacheRows, int, RingView] | None = None

    def layer_norm(self, x: Tensor, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """See `Ops.layer_norm`."""
        return _as(F.layer_norm(_as(x, torch.float32), norm.weight.shape, norm.weight, norm.bias, NORM_EPS), dtype)

    def add_layer_norm(self, x: Tensor, update: Tensor, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """See `Ops.add_layer_norm`."""
        return self.layer_norm(x.add_(update), norm, dtype)

    def renorm(self, x: Tensor, update: Tensor, closing: NormWeights, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """See `Ops.renorm`."""
        x.copy_(self.layer_norm(x.add_(update), closing, torch.float32))
        return self.layer_norm(x, norm, dtype)

    def convolve(self, up: Tensor, history: Tensor, rows: CacheRows, weights: ConvolutionWeights) -> Tensor:
        """See `Ops.convolve`."""
        batch, frames, _ = up.shape
        taps, size = weights.depthwise.shape
        span = self._scratch.take("span", (batch, taps - 1 + frames, size), up.device)
        _fill(span[:, : taps - 1], history, rows.slots)
        # Rounded like the history, so that a frame comes out the same whether its window lies in one chunk or in two.
        span[:, taps - 1 :] = _as(F.glu(_as(up, torch.float32), -1), up.dtype)
        history.index_copy_(0, rows.write_slots, _as(span[:, frames:], history.dtype))
        # Overlapping views: no window is copied.
        windows = span.as_strided((batch, frames, taps, size), (span.stride(0), size, size, 1))
        products = self._scratch.take("products", (batch, frames, taps, size), up.device)
        out = torch.mul(windows, _as(weights.depthwise, torch.float32), out=products).sum(2)
        if weights.bias is not None:
            out += weights.bias
        if weights.norm is not None:
            out = self.layer_norm(out, weights.norm, torch.float32)
        return _as(F.silu(out, inplace=True), up.dtype)

    def attend(self, inputs: AttentionInputs, rows: CacheRows) -> Tensor:
        """See `Ops.attend`."""
        qkv, keys, values = inputs.qkv, inputs.keys, inputs.values
        batch, frames, _, heads, head_dim = qkv.shape
        ring = self._ring(rows, frames, heads)
        by_kind = _as(qkv.permute(2, 0, 3, 1, 4).contiguous(), torch.float32)
        query, key, value = by_kind.unbind(0)  # [B, H, c, D] each
        # Rounded where the kernel rounds: tensor cores take factors of that type.
        query = _as(_as(query + inputs.bias_u[:, None], qkv.dtype), torch.float32).flatten(0, 1)
        all_keys = self._joined("keys", keys, key, rows, inputs.key_scales).flatten(0, 1)
        all_values = self._joined("values", values, value, rows, inputs.value_scales).flatten(0, 1)
        bias = _as(inputs.by_position, torch.float32) + inputs.constant[:, None]
        bias = bias.view(heads, batch, frames, -1).transpose(0, 1)
        bias = (bias.gather(3, ring.index) + ring.hidden).flatten(0, 1)
        scale = 1 / math.sqrt(head_dim)
        # Transformer-XL scales the sum of both terms, so beta is the scale as well; -inf stays -inf.
        scores = torch.baddbmm(bias, query, all_keys.transpose(1, 2), beta=scale, alpha=scale)
        out = torch.bmm(scores.softmax(2), all_values).view(batch, heads, frames, head_dim)
        if ring.blind is not None:
            out = out.masked_fill_(ring.blind, 0)  # the softmax of no key is NaN
        # Only now: the chunk takes the ring rows of the oldest frames, which its own queries may still see.
        ring.append(keys, key, inputs.key_scales)
        ring.append(values, value, inputs.value_scales)
        return _as(out.transpose(1, 2).reshape(batch, frames, heads * head_dim), qkv.dtype)

    def joint_scores(self, inputs: JointInputs, window: int) -> JointScores:
        """See `Ops.joint_scores`."""
        logits = F.linear(_hidden(inputs, window), inputs.weight, inputs.bias)
        best, token = logits.max(-1)
        total = logits.logsumexp(-1)
        # log(sum(p ** ALPHA)), from logits: no probability is computed that could underflow.
        power = (ALPHA * logits).logsumexp(-1) - ALPHA * total
        return JointScores(token.int(), best - total, power.exp())

    def favour(self, inputs: JointInputs, scores: JointScores, repeats: Tensor, terms: KeyTermRows) -> None:
        """See `Ops.favour`."""
        token, weight, bias = scores.token, inputs.weight, inputs.bias
        arcs = outgoing_arcs(terms.tables, terms.state, terms.tables.widest)
        hidden = _hidden(inputs, token.shape[1])
        entry = arcs.tokens.clamp(min=0)
        logits = torch.einsum("bwj,bkj->bwk", hidden, weight[entry]) + bias[entry][:, None]
        # `scores` holds no logits, so that of the best token is computed again.
        best = (hidden * weight[token]).sum(2) + bias[token]
        emitted = F.pad((repeats > 0)[:, None], (0, token.shape[1] - 1))
        chosen, logit = favoured(arcs, logits, token, best, emitted, len(weight) - 1)
        token.copy_(chosen)
        scores.log_probability.add_(logit - best)

    def follow(self, label: Tensor, active: Tensor, terms: KeyTermRows) -> None:
        """See `Ops.follow`."""
        state = terms.state
        after = followed(outgoing_arcs(terms.tables, state, terms.tables.widest), label)
        state.copy_(torch.where(active, after, state))

    def take_labels(self, scores: JointScores, last: Tensor, blank: int, max_symbols: int, search: SearchState) -> None:
        """See `Ops.take_labels`."""
        token = scores.token
        time, window = search.time, token.shape[1]
        looking = time < last
        inside = time[:, None] + torch.arange(window, device=time.device) < last[:, None]
        label = inside & (token != blank)
        found = label.any(1)
        offset = label.int().argmax(1, keepdim=True)  # the first one
        frame = time + offset[:, 0]
        chosen = JointScores(*(column.gather(1, offset)[:, 0] for column in scores))
        _record(search, found, frame, chosen)
        repeats = torch.where(frame == time, search.repeats, 0) + 1
        full = repeats >= max_symbols
        # Without a label in the window the row goes on behind it, with the same state of the prediction network.
        missed = torch.minimum(time + window, last)
        search.repeats.copy_(torch.where(found & ~full, repeats, torch.where(looking, 0, search.repeats)))
        # A row stays on the frame of its label until blank wins there, or until the frame has `max_symbols` labels.
        time.copy_(torch.where(found, frame + full, torch.where(looking, missed, time)))
        search.active.copy_(found)
        search.pending.copy_((time < last).sum(0, keepdim=True))

    def advance_cell(self, gates: Tensor, hidden: Tensor, cell: Tensor, active: Tensor) -> Tensor:
        """See `Ops.advance_cell`."""
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, -1)
        new = forget_gate.sigmoid() * cell + input_gate.sigmoid() * candidate.tanh()
        self.hold(new, cell, active)
        self.hold(output_gate.sigmoid() * new.tanh(), hidden, active)
        return hidden

    def hold(self, new: Tensor, old: Tensor, active: Tensor) -> None:
        """See `Ops.hold`."""
        old.copy_(torch.where(active[:, None], new, old))

    def _ring(self, rows: CacheRows, frames: int, heads: int) -> RingView:
        """The view of the rows' rings, made once for all layers of a step."""
        if self._latest is None or self._latest[0] is not rows or self._latest[1] != frames:
            self._latest = rows, frames, RingView.of(rows, frames, heads)
        return self._latest[2]

    def _joined(self, name: str, pool: Tensor, chunk: Tensor, rows: CacheRows, scales: Tensor | None) -> Tensor:
        """The rows' rings and then their chunks, [B, H, left + c, D], fp32."""
        batch, heads, frames, head_dim = chunk.shape
        joined = self._scratch.take(name, (batch, heads, rows.left + frames, head_dim), pool.device)
        if scales is None:
            _fill(joined[:, :, : rows.left], pool, rows.slots)
        else:
            ring = pool.view(torch.uint8).index_select(0, rows.slots).view(pool.dtype)
            joined[:, :, : rows.left] = fp8.widened(ring, scales.index_select(0, rows.slots)[..., None])
        joined[:, :, rows.left :] = chunk
        return joined


class _Scratch:
    """Memory for large intermediate results on a CPU, kept between calls.

    The C library takes large blocks from the system and gives them back at once, and touching fresh pages costs more
    than the arithmetic on them. On a GPU PyTorch's own allocator does better: there every call takes new memory.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def take(self, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Uninitialised fp32 memory, valid until the next call with that name."""
        if device.type != "cpu":
            return torch.empty(shape, device=device)
        kept = self._kept.get(name)
        if kept is None or kept.shape != shape:
            self._kept[name] = kept = self._fitting(kept, shape)
        return kept

    def _fitting(self, kept: Tensor | None, shape: tuple[int, ...]) -> Tensor:
        """A view of the memory that is kept where it is large enough, else new memory."""
        size = math.prod(shape)
        if kept is not None and kept.untyped_storage().nbytes() >= size * kept.element_size():
            return kept.as_strided((size,), (1,)).view(shape)
        return torch.empty(shape)


def _as(x: Tensor, dtype: torch.dtype) -> Tensor:
    """`x` in `dtype`. A call that changes nothing costs a step of one row as much as the arithmetic on it."""
    return x if x.dtype == dtype else x.to(dtype)


def _hidden(inputs: JointInputs, window: int) -> Tensor:
    """The joint's hidden layer for the frames that are scored, [B, W, J]."""
    encoded, at = inputs.encoded, inputs.at
    frame = (at[:, None] + torch.arange(window, device=at.device)).clamp_(max=encoded.shape[1] - 1)
    scored = encoded.gather(1, frame[:, :, None].expand(-1, -1, encoded.shape[2]))
    return F.relu(scored + inputs.projected[:, None])


def _fill(target: Tensor, pool: Tensor, slots: Tensor) -> None:
    """Copies rows of a pool into fp32 memory."""
    if pool.dtype == torch.float32:
        torch.index_select(pool, 0, slots, out=target)
    else:
        target.copy_(pool.index_select(0, slots))


def _record(search: SearchState, found: Tensor, frame: Tensor, chosen: JointScores) -> None:
    """Appends the labels of the rows that found one."""
    at = search.count.long()[None].clamp(max=len(search.tokens) - 1)
    for column, value in (
        (search.tokens, chosen.token),
        (search.frames, frame.int()),
        (search.log_probabilities, chosen.log_probability),
        (search.powers, chosen.power),
    ):
        # Rows without a label write back what was there: no shape depends on data.
        column.scatter_(0, at, torch.where(found, value, column.gather(0, at)[0])[None])
    search.count.add_(found)
    search.label.copy_(torch.where(found, chosen.token, search.label))
