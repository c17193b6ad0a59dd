"""What the operations of a step take and return: one named type for each group of tensors that travels together.

B is the rows of a batch, c the encoder frames of a chunk, d the width of the encoder, H its heads of width D, V + 1 the
vocabulary with blank and J the width of the joint. T is the precision of the encoder's matrix products, bf16 or fp32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

NORM_EPS = 1e-5
"""PyTorch's default, which NeMo keeps for every layer norm."""
ALPHA = 1 / 3
"""Order of the Tsallis entropy behind confidences; NeMo's default for ``entropy_tsallis_exp`` (see
`engine.decoding.confidence`)."""


@dataclass(frozen=True, slots=True)
class CacheRows:
    """Where the rows of a batch stand: their slots in the state pools and their positions on the attention rings.

    Shared by all layers of a step. Each step makes its own, and its tensors keep their values during the step.

    Attributes:
        slots: Slot from which each row's state is read, [B], int64.
        write_slots: Slot to which its new state is written: its own, or the trash slot 0 when the state must not be
            kept, [B], int64.
        position: First encoder frame of the chunk, [B], int64.
        valid: Frames of the chunk that lie inside the stream, [B], int64; 0 for a row that only pads the batch.
        reach: Frames before the chunk that it may see, at most `left`.
        left: Frames of the attention ring; frame a lies in ring row a % left.
        chunk: Frames that see each other and `reach` frames before them, where a row holds several such chunks, one
            after the other; 0 where a row is one chunk. Only the portable operations accept rows of several chunks.
    """

    slots: Tensor
    write_slots: Tensor
    position: Tensor
    valid: Tensor
    reach: int
    left: int
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class NormWeights:
    """Parameters of a layer norm, both [d], fp32."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class ConvolutionWeights:
    """Parameters of a causal depthwise convolution and of the norm after it.

    Attributes:
        depthwise: Weight by tap and channel, [k, d] (T); the published models have k = 9.
        bias: [d] (T), or None.
        norm: Layer norm of the output; None where a batch norm was folded into the weights.
    """

    depthwise: Tensor
    bias: Tensor | None
    norm: NormWeights | None


@dataclass(frozen=True, slots=True)
class AttentionInputs:
    """One layer's attention over the rings of its rows and their chunks.

    R = left + 2 c - 1 distances between a query and a key; the distance g has index left + c - 1 - g. In a row of
    several chunks c is that of one: no query sees farther. `by_position` and `constant` may be wider, by the same
    number of columns: products of a multiple of eight columns are faster.

    Attributes:
        qkv: Queries, keys and values of the chunk, [B, c, 3, H, D] (T).
        by_position: Products of the queries and the projected relative positions, [H, B c, R] (T or fp32).
        keys: Pool of rings, [rows, H, left, D] (T, or FP8 with scales); the chunk's keys are written to it.
        values: Pool of rings, likewise; the chunk's values are written to it.
        bias_u: NeMo's ``pos_bias_u``, added to the queries before their product with the keys, [H, D], fp32.
        constant: Products of NeMo's ``pos_bias_v`` and the projected relative positions, [H, R], fp32.
        key_scales: Pool of the keys' scales, [rows, H, left], bf16 (see `ops.fp8`); None where keys have none.
        value_scales: Pool of the values' scales, likewise.
    """

    qkv: Tensor
    by_position: Tensor
    keys: Tensor
    values: Tensor
    bias_u: Tensor
    constant: Tensor
    key_scales: Tensor | None = None
    value_scales: Tensor | None = None


@dataclass(frozen=True, slots=True)
class JointInputs:
    """What the joint network combines, and the weights of its output layer; all fp32.

    Attributes:
        encoded: Encoder output projected for the joint, [B, c, J].
        at: First frame to score, [B], int64. The scores of frames past the chunk are undefined and cost little: a row
            that needs no scores points there.
        projected: Output of the prediction network projected for the joint, [B, J].
        weight: Output layer, [V + 1, J]; the last token is blank.
        bias: Output layer, [V + 1].
    """

    encoded: Tensor
    at: Tensor
    projected: Tensor
    weight: Tensor
    bias: Tensor


class JointScores(NamedTuple):
    """The best token of W frames of each row.

    Attributes:
        token: The token with the highest logit, the lowest of equals, [B, W], int32.
        log_probability: Its log probability, [B, W], fp32.
        power: Sum over the vocabulary of the probabilities to the power of `ALPHA`, [B, W], fp32, from which
            `entropy_confidences` computes a confidence.
    """

    token: Tensor
    log_probability: Tensor
    power: Tensor


@dataclass(frozen=True, slots=True)
class SearchState:
    """A greedy search by label looping over B rows; every tensor is updated in place.

    `capacity` is at least the frames of the chunk times the most symbols of a frame: no search finds more.

    Attributes:
        time: Frame at which the row looks for its next label, [B], int64.
        repeats: Labels that it has found on this frame already, [B], int32.
        count: Labels found so far, [B], int32.
        label: The latest label, [B], int64.
        active: Whether the latest round found a label, [B], bool.
        pending: Rows that have frames left to decode, [1], int32.
        tokens: Labels in the order of emission, [capacity, B], int32.
        frames: The frame of each label within the chunk, [capacity, B], int32.
        log_probabilities: The log probability of each label, [capacity, B], fp32.
        powers: `JointScores.power` of each label, [capacity, B], fp32.
    """

    time: Tensor
    repeats: Tensor
    count: Tensor
    label: Tensor
    active: Tensor
    pending: Tensor
    tokens: Tensor
    frames: Tensor
    log_probabilities: Tensor
    powers: Tensor


@dataclass(frozen=True, slots=True)
class KeyTermTables:
    """Automata of all streams: S states and A arcs; state 0 belongs to streams without key terms and has no arcs.

    Attributes:
        first: Each state's first arc, [S], int32.
        count: Each state's arcs, [S], int32.
        root: The root of each state's automaton, [S], int32. A state that is not the root has the root's arcs as well,
            for tokens that are not among its own.
        tokens: Token of each arc, [A], int32.
        bonuses: Bonus of each arc, [A], fp32, more than 0.
        targets: State to which each arc leads, [A], int32.
        widest: Upper bound of `count`.
    """

    first: Tensor
    count: Tensor
    root: Tensor
    tokens: Tensor
    bonuses: Tensor
    targets: Tensor
    widest: int


@dataclass(frozen=True, slots=True)
class KeyTermRows:
    """The key terms of the rows of a batch.

    Attributes:
        tables: Automata of all streams.
        state: State of each row's automaton, [B], int32; 0 for a row without key terms. Updated in place.
    """

    tables: KeyTermTables
    state: Tensor
