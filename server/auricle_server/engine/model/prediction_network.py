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

    def gates(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Before their activation, [B, 4 h]."""
        return self.from_input(x).add_(self.from_state(hidden))

    def __call__(self, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        gates = self.gates(x, hidden)
        # The order of the gates in torch.nn.LSTM's parameters.
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, -1)
        cell = forget_gate.sigmoid() * cell + input_gate.sigmoid() * candidate.tanh()
        return output_gate.sigmoid() * cell.tanh(), cell


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

    def start(self) -> PredictionState:
        """State before the first token, one row.

        Blank is the start symbol (NeMo's ``blank_as_pad``).
        """
        zeros = self._embedding.new_zeros(len(self._layers), 1, self._embedding.shape[1])
        # Blank is the last row, the padding row of NeMo's embedding.
        return self._advance(self._embedding[-1:], zeros, zeros)

    def __call__(self, tokens: Tensor, state: PredictionState) -> PredictionState:
        """Feeds one token per row, [B]."""
        return self._advance(F.embedding(tokens, self._embedding), state.hidden, state.cell)

    def advance(self, tokens: Tensor, state: PredictionState, active: Tensor, ops: Ops) -> None:
        """Feeds one token per row, [B], in place on `state`, for the rows that are active, [B]; the others stay."""
        # In place and at fixed addresses: a CUDA graph holds these tensors from one replay to the next.
        x = F.embedding(tokens, self._embedding)
        for layer, hidden, cell in zip(self._layers, state.hidden, state.cell, strict=True):
            x = ops.advance_cell(layer.gates(x, hidden), hidden, cell, active)
        ops.hold(self._project(x), state.projected, active)

    def _advance(self, x: Tensor, hidden: Tensor, cell: Tensor) -> PredictionState:
        new_hidden, new_cell = [], []
        for index, layer in enumerate(self._layers):
            x, c = layer(x, hidden[index], cell[index])
            new_hidden.append(x)
            new_cell.append(c)
        projected = self._project(x)
        return PredictionState(torch.stack(new_hidden), torch.stack(new_cell), projected)


def _lstm_layer(name: str, index: int, hidden: int, parameters: Parameters) -> _LstmLayer:
    weights = [parameters.exact(f"{name}.weight_{kind}_l{index}", 4 * hidden, hidden) for kind in ("ih", "hh")]
    biases = [parameters.exact(f"{name}.bias_{kind}_l{index}", 4 * hidden) for kind in ("ih", "hh")]
    # torch.nn.LSTM keeps two biases because cuDNN does; only their sum counts.
    return _LstmLayer(parameters.outer_product(weights[0], biases[0] + biases[1]), parameters.outer_product(weights[1]))
