from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine import decoder as decoder_module
from auricle_server.engine.decoder import GreedyDecoder, PredictionState
from auricle_server.engine.parameters import Parameters

VOCABULARY, HIDDEN, JOINT = 11, 8, 6


@pytest.fixture
def decoder() -> GreedyDecoder:
    """Random weights that emit about every second frame, at times many tokens on one frame."""
    generator = torch.Generator().manual_seed(4)
    prefix = "decoder.prediction"
    shapes = {
        f"{prefix}.embed.weight": (VOCABULARY + 1, HIDDEN),
        "joint.pred.weight": (JOINT, HIDDEN),
        "joint.pred.bias": (JOINT,),
        "joint.joint_net.2.weight": (VOCABULARY + 1, JOINT),
        "joint.joint_net.2.bias": (VOCABULARY + 1,),
    }
    for layer in range(2):
        for kind in ("ih", "hh"):
            shapes[f"{prefix}.dec_rnn.lstm.weight_{kind}_l{layer}"] = (4 * HIDDEN, HIDDEN)
            shapes[f"{prefix}.dec_rnn.lstm.bias_{kind}_l{layer}"] = (4 * HIDDEN,)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    weights["joint.joint_net.2.bias"][-1] += 3.5
    config = DecoderConfig(2, HIDDEN, JOINT, VOCABULARY, max_symbols=3)
    return GreedyDecoder(config, Parameters(weights, torch.device("cpu"), torch.float32))


def frame_by_frame(
    decoder: GreedyDecoder, encoded: torch.Tensor, first: int, last: int
) -> tuple[list[tuple[int, int]], PredictionState]:
    """The textbook loop for one stream: one frame, one symbol at a time."""
    state, found = decoder.network.start(), []
    for frame in range(first, last):
        for _ in range(3):
            joint = torch.relu(encoded[frame] + state.projected[0])
            token = int((decoder._out @ joint + decoder._out_bias).argmax())
            if token == VOCABULARY:
                break
            found.append((token, frame))
            state = decoder.network(torch.tensor([token]), state)
    return found, state


@pytest.mark.parametrize("lookahead", [1, 40, 1 << 21])
def test_label_looping_equals_the_textbook_loop(
    decoder: GreedyDecoder, lookahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "LOOKAHEAD_LOGITS", lookahead)
    rows, frames = 9, 14
    encoded = torch.randn(rows, frames, JOINT, generator=torch.Generator().manual_seed(1)) * 2
    first = torch.tensor([0, 0, 3, 13, 5, 0, 0, 2, 7])
    last = torch.tensor([14, 1, 9, 14, 5, 0, 14, 14, 8])
    emissions, state = decoder(encoded, first, last, decoder.network.start().repeat(rows))
    for row in range(rows):
        count = int(emissions.count[row])
        got = list(zip(emissions.tokens[row, :count].tolist(), emissions.frames[row, :count].tolist(), strict=True))
        expected, expected_state = frame_by_frame(decoder, encoded[row], int(first[row]), int(last[row]))
        assert got == expected
        torch.testing.assert_close(state.projected[row], expected_state.projected[0])
        per_frame = [sum(1 for _, frame in got if frame == at) for at in range(frames)]
        assert max(per_frame) <= 3
    assert emissions.count.sum() > rows


def test_the_symbol_limit_is_reached_and_kept(decoder: GreedyDecoder) -> None:
    decoder._out_bias[-1] -= 100.0
    encoded = torch.zeros(2, 4, JOINT)
    emissions, _ = decoder(encoded, torch.tensor([0, 2]), torch.tensor([4, 4]), decoder.network.start().repeat(2))
    assert emissions.count.tolist() == [12, 6]
    assert emissions.frames[0].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_the_lstm_is_torchs(decoder: GreedyDecoder) -> None:
    lstm = torch.nn.LSTM(HIDDEN, HIDDEN, 2)
    for index, layer in enumerate(decoder.network._layers):
        getattr(lstm, f"weight_ih_l{index}").data = layer.weight_in
        getattr(lstm, f"weight_hh_l{index}").data = layer.weight_state
        getattr(lstm, f"bias_ih_l{index}").data = layer.bias
        getattr(lstm, f"bias_hh_l{index}").data = torch.zeros(4 * HIDDEN)
    tokens = torch.tensor([3, 1, 7])
    state = decoder.network.start().repeat(1)
    zeros = torch.zeros(1, 1, HIDDEN)
    with torch.no_grad():
        sequence = torch.cat((zeros, decoder.network._embedding[tokens][:, None]))
        _, (hidden, cell) = lstm(sequence)
    for token in tokens:
        state = decoder.network(token[None], state)
    torch.testing.assert_close(state.hidden, hidden)
    torch.testing.assert_close(state.cell, cell)
