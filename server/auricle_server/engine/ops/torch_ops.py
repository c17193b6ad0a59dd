"""The operations in plain PyTorch: what a CPU runs, and the reference of the kernels.

Nothing here waits for the device or makes a shape from data, so a CUDA graph may hold these operations too.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.engine.decoding.confidence import ALPHA
from auricle_server.engine.ops.cache_rows import CacheRows
from auricle_server.engine.ops.interface import NORM_EPS
from auricle_server.engine.ops.key_terms import TermTables, arcs_of, favoured, followed
from auricle_server.engine.ops.ring_view import RingView
from auricle_server.engine.ops.scratch import Scratch
from auricle_server.engine.ops.search_state import SearchState


class TorchOps:
    """Implements `Ops`; of one caller at a time."""

    several = True

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._latest: tuple[CacheRows, int, RingView] | None = None

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Ops.layer_norm`."""
        return F.layer_norm(x.float(), weight.shape, weight, bias, NORM_EPS).to(dtype)

    def add_layer_norm(self, x: Tensor, update: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Ops.add_layer_norm`."""
        return self.layer_norm(x.add_(update), weight, bias, dtype)

    def renorm(
        self,
        x: Tensor,
        update: Tensor,
        out_weight: Tensor,
        out_bias: Tensor,
        weight: Tensor,
        bias: Tensor,
        dtype: torch.dtype,
    ) -> Tensor:
        """See `Ops.renorm`."""
        x.copy_(self.layer_norm(x.add_(update), out_weight, out_bias, torch.float32))
        return self.layer_norm(x, weight, bias, dtype)

    def convolve(
        self,
        up: Tensor,
        history: Tensor,
        place: CacheRows,
        weight: Tensor,
        bias: Tensor | None,
        norm_weight: Tensor | None,
        norm_bias: Tensor | None,
    ) -> Tensor:
        """See `Ops.convolve`."""
        batch, frames, _ = up.shape
        taps, size = weight.shape
        span = self._scratch.take("span", (batch, taps - 1 + frames, size), up.device)
        _fill(span[:, : taps - 1], history, place.slots)
        value, gate = up.float().chunk(2, -1)
        span[:, taps - 1 :] = (value * gate.sigmoid()).to(up.dtype)
        history.index_copy_(0, place.kept_in, span[:, frames:].to(history.dtype))
        windows = span.as_strided((batch, frames, taps, size), (span.stride(0), size, size, 1))
        products = self._scratch.take("products", (batch, frames, taps, size), up.device)
        out = torch.mul(windows, weight.float(), out=products).sum(2)
        if bias is not None:
            out += bias
        if norm_weight is not None:
            out = F.layer_norm(out, norm_weight.shape, norm_weight, norm_bias, NORM_EPS)
        active: Tensor = F.silu(out)
        return active.to(up.dtype)

    def attend(
        self,
        qkv: Tensor,
        by_position: Tensor,
        keys: Tensor,
        values: Tensor,
        bias_u: Tensor,
        constant: Tensor,
        place: CacheRows,
    ) -> Tensor:
        """See `Ops.attend`."""
        batch, frames, _, heads, head_dim = qkv.shape
        ring = self._ring(place, frames, heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).contiguous().float()  # [B, H, c, D] each
        query = (query + bias_u[:, None]).to(qkv.dtype).float().flatten(0, 1)
        all_keys = self._joined("keys", keys, key, place).flatten(0, 1)
        all_values = self._joined("values", values, value, place).flatten(0, 1)
        bias = (by_position.float() + constant[:, None]).view(heads, batch, frames, -1).transpose(0, 1)
        bias = (bias.gather(3, ring.index) + ring.hidden).flatten(0, 1)
        scale = 1 / math.sqrt(head_dim)
        scores = torch.baddbmm(bias, query, all_keys.transpose(1, 2), beta=scale, alpha=scale)
        out = torch.bmm(scores.softmax(2), all_values).view(batch, heads, frames, head_dim)
        out = out.masked_fill_(ring.blind, 0)  # the softmax of no key is NaN
        ring.append(keys, key)
        ring.append(values, value)
        return out.transpose(1, 2).reshape(batch, frames, heads * head_dim).to(qkv.dtype)

    def joint_scores(
        self, encoded: Tensor, at: Tensor, projected: Tensor, weight: Tensor, bias: Tensor, window: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Ops.joint_scores`."""
        logits = F.linear(_hidden(encoded, at, projected, window), weight, bias)
        best, token = logits.max(-1)
        total = logits.logsumexp(-1)
        power = (ALPHA * logits).logsumexp(-1) - ALPHA * total
        return token.int(), best - total, power.exp()

    def favour(
        self,
        encoded: Tensor,
        at: Tensor,
        projected: Tensor,
        weight: Tensor,
        bias: Tensor,
        token: Tensor,
        log_probability: Tensor,
        repeats: Tensor,
        terms: TermTables,
        state: Tensor,
    ) -> None:
        """See `Ops.favour`."""
        arcs = arcs_of(terms, state, terms.widest)
        hidden = _hidden(encoded, at, projected, token.shape[1])
        entry = arcs.tokens.clamp(min=0)
        logits = torch.einsum("bwj,bkj->bwk", hidden, weight[entry]) + bias[entry][:, None]
        best = (hidden * weight[token]).sum(2) + bias[token]
        spoken = F.pad((repeats > 0)[:, None], (0, token.shape[1] - 1))
        chosen, logit = favoured(arcs, logits, token, best, spoken, len(weight) - 1)
        token.copy_(chosen)
        log_probability.add_(logit - best)

    def follow(self, label: Tensor, active: Tensor, terms: TermTables, state: Tensor) -> None:
        """See `Ops.follow`."""
        behind = followed(arcs_of(terms, state, terms.widest), label)
        state.copy_(torch.where(active, behind, state))

    def take_labels(
        self,
        token: Tensor,
        log_probability: Tensor,
        power: Tensor,
        last: Tensor,
        blank: int,
        max_symbols: int,
        search: SearchState,
    ) -> None:
        """See `Ops.take_labels`."""
        time, window = search.time, token.shape[1]
        looking = time < last
        inside = time[:, None] + torch.arange(window, device=time.device) < last[:, None]
        label = inside & (token != blank)
        found = label.any(1)
        offset = label.int().argmax(1, keepdim=True)  # the first one
        frame = time + offset[:, 0]
        chosen, *scores = (each.gather(1, offset)[:, 0] for each in (token, log_probability, power))
        _record(search, found, frame, chosen, *scores)
        repeats = torch.where(frame == time, search.repeats, 0) + 1
        full = repeats >= max_symbols
        missed = torch.minimum(time + window, last)
        search.repeats.copy_(torch.where(found & ~full, repeats, torch.where(looking, 0, search.repeats)))
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

    def _ring(self, place: CacheRows, frames: int, heads: int) -> RingView:
        """The view of a place, made once for all layers of a step."""
        if self._latest is None or self._latest[0] is not place or self._latest[1] != frames:
            self._latest = place, frames, RingView.of(place, frames, heads)
        return self._latest[2]

    def _joined(self, name: str, pool: Tensor, chunk: Tensor, place: CacheRows) -> Tensor:
        """The rows' rings and then their chunks, [B, H, left + c, D], fp32."""
        batch, heads, frames, head_dim = chunk.shape
        joined = self._scratch.take(name, (batch, heads, place.left + frames, head_dim), pool.device)
        _fill(joined[:, :, : place.left], pool, place.slots)
        joined[:, :, place.left :] = chunk
        return joined


def _hidden(encoded: Tensor, at: Tensor, projected: Tensor, window: int) -> Tensor:
    """The joint's hidden layer for the frames that are looked at, [B, W, J]."""
    frame = (at[:, None] + torch.arange(window, device=at.device)).clamp_(max=encoded.shape[1] - 1)
    looked_at = encoded.gather(1, frame[:, :, None].expand(-1, -1, encoded.shape[2]))
    return F.relu(looked_at + projected[:, None])


def _fill(target: Tensor, pool: Tensor, slots: Tensor) -> None:
    """Copies rows of a pool into fp32 memory."""
    if pool.dtype == torch.float32:
        torch.index_select(pool, 0, slots, out=target)
    else:
        target.copy_(pool.index_select(0, slots))


def _record(
    search: SearchState, found: Tensor, frame: Tensor, token: Tensor, log_probability: Tensor, power: Tensor
) -> None:
    """Appends the labels of the rows that found one."""
    at = search.count.long()[None].clamp(max=len(search.tokens) - 1)
    for column, value in (
        (search.tokens, token),
        (search.frames, frame.int()),
        (search.log_probabilities, log_probability),
        (search.powers, power),
    ):
        column.scatter_(0, at, torch.where(found, value, column.gather(0, at)[0])[None])
    search.count.add_(found)
    search.label.copy_(torch.where(found, token, search.label))
