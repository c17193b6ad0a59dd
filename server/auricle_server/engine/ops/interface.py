"""The operations of a step that are more than a matrix product; each implementation gives the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from auricle_server.engine.ops.cache_rows import CacheRows
from auricle_server.engine.ops.key_terms import TermTables
from auricle_server.engine.ops.search_state import SearchState

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NORM_EPS = 1e-5


class Ops(Protocol):
    """Operations over slot-resident state.

    T is the precision of the encoder's matrix products, bf16 or fp32. The residual stream `x`, norms, softmax and the
    greedy search are fp32. State pools have one row per slot and are read and written in place. Row 0 of a pool, the
    trash slot, may be written by several rows of a batch at once; what it then holds is any of them. Tensors are
    contiguous unless said otherwise.

    Attributes:
        several: Whether `attend` takes rows of several chunks, see `CacheRows.chunk`.
    """

    several: bool

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """Normalises the last dimension of `x` [..., d], of any precision; the result is in `dtype`."""
        ...

    def add_layer_norm(self, x: Tensor, update: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """Adds `update` [..., d] (T) to `x` (fp32) in place and returns the norm of the sum in `dtype`."""
        ...

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
        """A block's closing norm and the first norm of the next block.

        `x` [..., d] (fp32) becomes the norm of `x + update` by `out_weight` and `out_bias`, in place; returned is its
        norm by `weight` and `bias`, in `dtype`.
        """
        ...

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
        """The inside of the convolution module: GLU, causal depthwise convolution, layer norm, SiLU.

        Args:
            up: Output of the first pointwise convolution, [B, c, 2 d] (T).
            history: Pool of the k - 1 gated frames before the chunk, [rows, k - 1, d] (T); the chunk's last ones are
                written to row `place.kept_in` after row `place.slots` was read.
            place: Where the rows stand.
            weight: Depthwise weight, [k, d] (T).
            bias: Of the depthwise convolution, [d] (T), or None.
            norm_weight: Of the layer norm, [d], fp32; None without one.
            norm_bias: Likewise.

        Returns:
            Input of the second pointwise convolution, [B, c, d] (T).
        """
        ...

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
        """Attention with relative positions over each row's ring and its own chunk.

        A key of the ring is visible when its frame is at least 0 and at most `place.reach` before the chunk, a key of
        the chunk when its frame is inside the stream; there is no causal mask inside the chunk. A query that sees no
        key gets zeros. After all reads, the chunk's keys and values (all c of them) are written to the ring of slot
        `place.kept_in`.

        Args:
            qkv: Queries, keys and values of the chunk, [B, c, 3, H, D] (T).
            by_position: Products of queries and projected relative positions, [H, B c, R] (T or fp32), where
                R = left + 2 c - 1 and the distance g of a query to a key has index left + c - 1 - g. It and
                `constant` may be wider, by the same: products of a multiple of eight columns are faster.
            keys: Pool of rings, [rows, H, left, D] (T).
            values: Likewise.
            bias_u: Added to the queries before their product with the keys, [H, D], fp32.
            constant: Products of NeMo's ``pos_bias_v`` and the projected relative positions, [H, R], fp32.
            place: Where the rows stand.

        Returns:
            [B, c, H D] (T).
        """
        ...

    def joint_scores(
        self, encoded: Tensor, at: Tensor, projected: Tensor, weight: Tensor, bias: Tensor, window: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The best token of several frames per row, its log probability, and how sure the choice is. All fp32.

        Args:
            encoded: Encoder output projected for the joint, [B, c, J].
            at: First frame to look at, [B], int64. What comes back for frames past the chunk means nothing, and costs
                little: a row that needs no scores should point there.
            projected: Output of the prediction network projected for the joint, [B, J].
            weight: Of the joint's output layer, [V + 1, J].
            bias: Likewise, [V + 1].
            window: Frames to look at, W.

        Returns:
            Tokens [B, W], int32, of equals the lowest; their log probabilities [B, W], fp32; and the sums over the
            vocabulary of probabilities to the power of `ALPHA` [B, W], fp32, from which `entropy_confidences` makes
            confidences.
        """
        ...

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
        """Puts what key terms favour in the place of the joint's best tokens, in place; see `ops.terms`.

        Args:
            encoded: As for `joint_scores`, like the next four.
            at: Likewise.
            projected: Likewise.
            weight: Likewise; the last token is blank.
            bias: Likewise.
            token: From `joint_scores`, [B, W], int32.
            log_probability: Likewise; of what is chosen instead, without its bonus.
            repeats: Labels that the first frame has brought already, [B], int32.
            terms: All automata.
            state: Of each row's automaton, [B], int32; rows in state 0 stay as they are.
        """
        ...

    def follow(self, label: Tensor, active: Tensor, terms: TermTables, state: Tensor) -> None:
        """Moves the automata of the active rows behind their latest label, in place.

        Args:
            label: [B], int64.
            active: [B], bool.
            terms: All automata.
            state: [B], int32.
        """
        ...

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
        """One round of label looping, in place on `search`: each row takes the first label of its window.

        Args:
            token: From `joint_scores`, [B, W], int32, for the frames from `search.time` on.
            log_probability: Likewise.
            power: Likewise.
            last: One past the last frame to decode, [B], int64.
            blank: The blank token.
            max_symbols: Most labels of one frame.
            search: State of the search.
        """
        ...

    def advance_cell(self, gates: Tensor, hidden: Tensor, cell: Tensor, active: Tensor) -> Tensor:
        """The cell of an LSTM, in place, for the rows that are active; the others stay.

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
