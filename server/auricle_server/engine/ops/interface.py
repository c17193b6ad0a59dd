"""The operations of a step that are more than a matrix product; each implementation gives the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Ops(Protocol):
    """Operations over slot-resident state; `ops.inputs` explains the letters in shapes.

    The residual stream `x`, norms, softmax and the greedy search are fp32, whatever the precision T of the encoder's
    matrix products. State pools have one row per slot and are read and written in place. Row 0 of a pool, the trash
    slot, may be written by several rows of a batch at once and then holds any of them. Tensors are contiguous unless
    said otherwise.

    Attributes:
        multi_chunk_rows: Whether `attend` accepts rows of several chunks, see `CacheRows.chunk`.
    """

    multi_chunk_rows: bool

    def layer_norm(self, x: Tensor, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """Normalises the last dimension of `x` [..., d], of any precision; the result is in `dtype`."""
        ...

    def add_layer_norm(self, x: Tensor, update: Tensor, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """Adds `update` [..., d] (T) to `x` (fp32) in place and returns the norm of the sum in `dtype`."""
        ...

    def renorm(self, x: Tensor, update: Tensor, closing: NormWeights, norm: NormWeights, dtype: torch.dtype) -> Tensor:
        """Computes a block's closing norm and the first norm of the next block.

        `x` [..., d] (fp32) becomes the norm of `x + update` by `closing`, in place; returned is the norm of that by
        `norm`, in `dtype`.
        """
        ...

    def convolve(self, up: Tensor, history: Tensor, rows: CacheRows, weights: ConvolutionWeights) -> Tensor:
        """Computes the inside of the convolution module: GLU, causal depthwise convolution, layer norm, SiLU.

        Args:
            up: Output of the first pointwise convolution, [B, c, 2 d] (T).
            history: Pool of the k - 1 gated frames before the chunk, [rows, k - 1, d] (T). The last k - 1 gated frames
                are written to `rows.write_slots` after `rows.slots` was read.
            rows: Where the rows stand.
            weights: Of the convolution and its norm.

        Returns:
            Input of the second pointwise convolution, [B, c, d] (T).
        """
        ...

    def attend(self, inputs: AttentionInputs, rows: CacheRows) -> Tensor:
        """Attends with relative positions over each row's ring and its own chunk.

        A key of the ring is visible when its frame is at least 0 and at most `rows.reach` before the chunk, a key of
        the chunk when its frame is inside the stream; there is no causal mask inside the chunk. A query that sees no
        key gets zeros. After all reads, the chunk's keys and values (all c of them) are written to the ring of slot
        `rows.write_slots`.

        Returns:
            [B, c, H D] (T).
        """
        ...

    def joint_scores(self, inputs: JointInputs, window: int) -> JointScores:
        """Finds the best token of the `window` frames from `inputs.at` on, in each row."""
        ...

    def favour(self, inputs: JointInputs, scores: JointScores, repeats: Tensor, terms: KeyTermRows) -> None:
        """Replaces the joint's best tokens by tokens that key terms favour, in place; see `ops.key_terms`.

        Args:
            inputs: As for `joint_scores`.
            scores: From `joint_scores`; `token` and `log_probability` are changed. The log probability of a favoured
                token is the joint's, without the bonus.
            repeats: Labels that the first frame has brought already, [B], int32.
            terms: Rows in state 0 stay as they are.
        """
        ...

    def follow(self, label: Tensor, active: Tensor, terms: KeyTermRows) -> None:
        """Moves the automata of the active rows along the arc of their latest label, in place.

        Args:
            label: [B], int64.
            active: [B], bool.
            terms: Of the rows.
        """
        ...

    def take_labels(self, scores: JointScores, last: Tensor, blank: int, max_symbols: int, search: SearchState) -> None:
        """Runs one round of label looping, in place on `search`: each row takes the first label of its window.

        Args:
            scores: For the frames from `search.time` on.
            last: One past the last frame to decode, [B], int64.
            blank: The blank token.
            max_symbols: Most labels of one frame.
            search: State of the search.
        """
        ...

    def advance_cell(self, gates: Tensor, hidden: Tensor, cell: Tensor, active: Tensor) -> Tensor:
        """Advances the cell of an LSTM, in place, for the rows that are active; the others stay.

        Args:
            gates: Input, forget, candidate and output gate before their activation, [B, 4 h], fp32.
            hidden: [B, h], fp32.
            cell: [B, h], fp32.
            active: [B], bool.

        Returns:
            `hidden`.
        """
        ...

    def hold(self, new: Tensor, old: Tensor, active: Tensor) -> None:
        """Overwrites the active rows of `old` with those of `new`, both [B, n]; `active` is [B], bool."""
        ...
