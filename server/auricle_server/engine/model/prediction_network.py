"""RNNT prediction network: an LSTM over emitted tokens (NeMo's `RNNTDecoder`) and the joint's projection of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine.model.linear import PackedLinear
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.ops import Ops

LABEL_TABLE_BYTES = 32 << 20
"""Largest table of what the first LSTM layer makes of each label. It saves a CPU one of a label's five products, which
take the time of reading their weights. The table of 1,025 labels takes 10 MB; that of 13,088 would take 134 MB."""


@dataclass(frozen=True, slots=True)
class PredictionState:
    """State of the prediction network, one row per stream.

    Attributes:
        hidden: LSTM output state, [layers, B, hidden].
        cell: LSTM cell state, [layers, B, hidden].
        projected: The last output, projected for the joint, [B, joint].
    """

    hidden: Tensor
    cell: Tensor
    projected: Tensor

    def repeat(self, rows: int) -> PredictionState:
        """`rows` copies of a state of one row."""
        return PredictionState(
            self.hidden.repeat(1, rows, 1), self.cell.repeat(1, rows, 1), self.projected.repeat(rows, 1)
        )

    def take(self, rows: Tensor) -> PredictionState:
        """The given rows."""
        return PredictionState(
            self.hidden.index_select(1, rows), self.cell.index_select(1, rows), self.projected.index_select(0, rows)
        )

    def put(self, rows: Tensor, state: PredictionState) -> None:
        """Overwrites the given rows in place."""
        self.hidden.index_copy_(1, rows, state.hidden)
        self.cell.index_copy_(1, rows, state.cell)
        self.projected.index_copy_(0, rows, state.projected)

    @property
    def bytes(self) -> int:
        """Memory."""
        tensors = self.hidden, self.cell, self.projected
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@dataclass(frozen=True, slots=True)
class _LstmLayer:
    from_input: PackedLinear
    from_state: PackedLinear

    def gates(self, from_input: Tensor, hidden: Tensor) -> Tensor:
        """Before their activation, [B, 4 h]; `from_input` is the input's share of them."""
        return self.from_state(hidden).add_(from_input)

    def advance(self, from_input: Tensor, hidden: Tensor, cell: Tensor) -> None:
        """Advances the states, [B, h], in place."""
        gates, size = self.gates(from_input, hidden), hidden.shape[1]
        # The order of the gates in torch.nn.LSTM's parameters. For the few rows of a label an operation costs far more
        # than its arithmetic, so there are few, in place. `addcmul` is left out because it rounds differently.
        input_gate, forget_gate = gates[:, : 2 * size].sigmoid_().chunk(2, 1)
        candidate, output_gate = gates[:, 2 * size : 3 * size].tanh_(), gates[:, 3 * size :].sigmoid_()
        cell.mul_(forget_gate).add_(candidate.mul_(input_gate))
        torch.mul(cell.tanh(), output_gate, out=hidden)


class PredictionNetwork:
    """The LSTM and the joint's projection of its output."""

    def __init__(self, config: DecoderConfig, parameters: Parameters) -> None:
        name, hidden = "decoder.prediction", config.hidden
        self._embedding = parameters.exact(f"{name}.embed.weight", config.vocabulary + 1, hidden)
        self._layers = [
            _lstm_layer(f"{name}.dec_rnn.lstm", index, hidden, parameters) for index in range(config.layers)
        ]
        projection = parameters.exact("joint.pred.weight", config.joint, hidden)
        self._project = parameters.outer_product(projection, parameters.exact("joint.pred.bias", config.joint))
        self._table = self._label_table() if parameters.device.type == "cpu" else None

    def _label_table(self) -> Tensor | None:
        """`_from_labels` of every label, [V + 1, 4 h]; None where that would be larger than `LABEL_TABLE_BYTES`."""
        labels, hidden = self._embedding.shape
        fits = 4 * hidden * labels * self._embedding.element_size() <= LABEL_TABLE_BYTES
        return self._layers[0].from_input(self._embedding) if fits else None

    def start(self) -> PredictionState:
        """State before the first token, one row.

        Blank is the start symbol (NeMo's ``blank_as_pad``).
        """
        labels, hidden = self._embedding.shape
        zeros = self._embedding.new_zeros(len(self._layers), 1, hidden)
        # Blank is the last row, the padding row of NeMo's embedding.
        blank = torch.tensor([labels - 1], device=zeros.device)
        return self(blank, PredictionState(zeros, zeros, self._project(zeros[0])))

    def __call__(self, tokens: Tensor, state: PredictionState) -> PredictionState:
        """The state after one token per row, [B]."""
        after = PredictionState(state.hidden.clone(), state.cell.clone(), state.projected.clone())
        self.feed(tokens, after)
        return after

    def feed(self, tokens: Tensor, state: PredictionState) -> None:
        """Feeds one token per row, [B], in place on `state`."""
        x: Tensor | None = None
        for layer, hidden, cell in zip(self._layers, state.hidden, state.cell, strict=True):
            layer.advance(self._from_labels(tokens) if x is None else layer.from_input(x), hidden, cell)
            x = hidden
        assert x is not None, "an LSTM has layers"
        state.projected.copy_(self._project(x))

    def advance(self, tokens: Tensor, state: PredictionState, active: Tensor, ops: Ops) -> None:
        """Feeds one token per row, [B], in place on `state`, for the rows that are active, [B]; the others stay."""
        # In place and at fixed addresses: a CUDA graph holds these tensors from one replay to the next.
        x: Tensor | None = None
        for layer, hidden, cell in zip(self._layers, state.hidden, state.cell, strict=True):
            from_input = self._from_labels(tokens) if x is None else layer.from_input(x)
            x = ops.advance_cell(layer.gates(from_input, hidden), hidden, cell, active)
        assert x is not None, "an LSTM has layers"
        ops.hold(self._project(x), state.projected, active)

    def _from_labels(self, tokens: Tensor) -> Tensor:
        """The labels' share of the first layer's gates, [B, 4 h]."""
        if self._table is not None:
            return F.embedding(tokens, self._table)
        return self._layers[0].from_input(F.embedding(tokens, self._embedding))


def _lstm_layer(name: str, index: int, hidden: int, parameters: Parameters) -> _LstmLayer:
    weights = [parameters.exact(f"{name}.weight_{kind}_l{index}", 4 * hidden, hidden) for kind in ("ih", "hh")]
    biases = [parameters.exact(f"{name}.bias_{kind}_l{index}", 4 * hidden) for kind in ("ih", "hh")]
    # torch.nn.LSTM keeps two biases because cuDNN does; only their sum counts.
    return _LstmLayer(parameters.outer_product(weights[0], biases[0] + biases[1]), parameters.outer_product(weights[1]))
