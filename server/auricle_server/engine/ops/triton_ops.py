"""The operations as Triton kernels, for CUDA tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle_server.engine.ops.cache_rows import CacheRows
from auricle_server.engine.ops.kernels.attention import attend_heads
from auricle_server.engine.ops.kernels.convolution import convolve_rows
from auricle_server.engine.ops.kernels.joint import joint_scores
from auricle_server.engine.ops.kernels.norm import norm_rows
from auricle_server.engine.ops.kernels.rows import advance_cells, hold_rows
from auricle_server.engine.ops.kernels.search import take_labels
from auricle_server.engine.ops.kernels.terms import favour_arcs, follow_arcs
from auricle_server.engine.ops.key_terms import TermTables
from auricle_server.engine.ops.search_state import SearchState


class TritonOps:
    """Implements `Ops`.

    Args:
        precision: Of the joint's products, as `tl.dot` names it.
    """

    several = False

    def __init__(self, precision: str) -> None:
        self._precision = precision

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Ops.layer_norm`."""
        return norm_rows(x, weight, bias, dtype)

    def add_layer_norm(self, x: Tensor, update: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """See `Ops.add_layer_norm`."""
        return norm_rows(x, weight, bias, dtype, update)

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
        return norm_rows(x, weight, bias, dtype, update, (out_weight, out_bias))

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
        return convolve_rows(up, history, place, weight, bias, norm_weight, norm_bias)

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
        return attend_heads(qkv, by_position, keys, values, bias_u, constant, place)

    def joint_scores(
        self, encoded: Tensor, at: Tensor, projected: Tensor, weight: Tensor, bias: Tensor, window: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Ops.joint_scores`."""
        return joint_scores(encoded, at, projected, weight, bias, window, self._precision)

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
        favour_arcs(encoded, at, projected, weight, bias, token, log_probability, repeats, terms, state)

    def follow(self, label: Tensor, active: Tensor, terms: TermTables, state: Tensor) -> None:
        """See `Ops.follow`."""
        follow_arcs(label, active, terms, state)

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
        take_labels(token, log_probability, power, last, blank, max_symbols, search)

    def advance_cell(self, gates: Tensor, hidden: Tensor, cell: Tensor, active: Tensor) -> Tensor:
        """See `Ops.advance_cell`."""
        return advance_cells(gates, hidden, cell, active)

    def hold(self, new: Tensor, old: Tensor, active: Tensor) -> None:
        """See `Ops.hold`."""
        hold_rows(new, old, active)
