"""The operations as Triton kernels, for CUDA tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle_server.engine.ops.inputs import (
    AttentionInputs,
    CacheRows,
    ConvolutionWeights,
    JointInputs,
    JointScores,
    KeyTermRows,
    NormWeights,
    SearchState,
)
from auricle_server.engine.ops.kernels.attention import attend_heads
from auricle_server.engine.ops.kernels.convolution import convolve_rows
from auricle_server.engine.ops.kernels.joint import joint_scores
from auricle_server.engine.ops.kernels.key_terms import favour_arcs, follow_arcs
from auricle_server.engine.ops.kernels.norm import norm_rows
from auricle_server.engine.ops.kernels.rows import advance_cells, hold_rows
from auricle_server.engine.ops.kernels.search import take_labels


class TritonOps:
    """Implements `Ops`.

    Args:
        precision: Of the joint's products, as `tl.dot` names it.
    """

    multi_chunk_rows = False

    def __init__(self, precision: str) -> None:
        self._precision = precision

    def layer_norm(self, x: Tensor, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """See `Ops.layer_norm`."""
        return norm_rows(x, norm, dtype)

    def add_layer_norm(self, x: Tensor, update: Tensor, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """See `Ops.add_layer_norm`."""
        return norm_rows(x, norm, dtype, update)

    def renorm(self, x: Tensor, update: Tensor, closing: NormWeights, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """See `Ops.renorm`."""
        return norm_rows(x, norm, dtype, update, closing)

    def convolve(self, up: Tensor, history: Tensor, rows: CacheRows, weights: ConvolutionWeights) -> Tensor:
        """See `Ops.convolve`."""
        return convolve_rows(up, history, rows, weights)

    def attend(self, inputs: AttentionInputs, rows: CacheRows) -> Tensor:
        """See `Ops.attend`."""
        return attend_heads(inputs, rows)

    def joint_scores(self, inputs: JointInputs, window: int) -> JointScores:
        """See `Ops.joint_scores`."""
        return joint_scores(inputs, window, self._precision)

    def favour(self, inputs: JointInputs, scores: JointScores, repeats: Tensor, terms: KeyTermRows) -> None:
        """See `Ops.favour`."""
        favour_arcs(inputs, scores, repeats, terms)

    def follow(self, label: Tensor, active: Tensor, terms: KeyTermRows) -> None:
        """See `Ops.follow`."""
        follow_arcs(label, active, terms)

    def take_labels(self, scores: JointScores, last: Tensor, blank: int, max_symbols: int, search: SearchState) -> None:
        """See `Ops.take_labels`."""
        take_labels(scores, last, blank, max_symbols, search)

    def advance_cell(self, gates: Tensor, hidden: Tensor, cell: Tensor, active: Tensor) -> Tensor:
        """See `Ops.advance_cell`."""
        return advance_cells(gates, hidden, cell, active)

    def hold(self, new: Tensor, old: Tensor, active: Tensor) -> None:
        """See `Ops.hold`."""
        hold_rows(new, old, active)
