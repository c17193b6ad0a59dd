from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine.decoding import greedy as decoder_module
from auricle_server.engine.decoding.greedy import GreedyDecoder
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.prediction_network import PredictionNetwork, PredictionState
from auricle_server.engine.ops.inputs import ALPHA

VOCABULARY, HIDDEN, JOINT = 11, 8, 6


PREFIX = "decoder.prediction"


def random_weights() -> dict[str, torch.Tensor]:
    """Weights that emit about every second frame, at times many tokens on one frame."""
    generator = torch.Generator().manual_seed(4)
    shapes = {
        f"{PREFIX}.embed.weight": (VOCABULARY + 1, HIDDEN),
        "joint.pred.weight": (JOINT, HIDDEN),
        "joint.pred.bias": (JOINT,),
        "joint.joint_net.2.weight": (VOCABULARY + 1, JOINT),
        "joint.joint_net.2.bias": (VOCABULARY + 1,),
    }
    for layer in range(2):
        for kind in ("ih", "hh"):
            shapes[f"{PREFIX}.dec_rnn.lstm.weight_{kind}_l{layer}"] = (4 * HIDDEN, HIDDEN)
            shapes[f"{PREFIX}.dec_rnn.lstm.bias_{kind}_l{layer}"] = (4 * HIDDEN,)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    weights["joint.joint_net.2.bias"][-1] += 3.5
    return weights


@pytest.fixture
def decoder() -> GreedyDecoder:
    config = DecoderConfig(2, HIDDEN, JOINT, VOCABULARY, max_symbols=3)
    parameters = Parameters(random_weights(), torch.device("cpu"), torch.float32)
    return GreedyDecoder(config, PredictionNetwork(config, parameters), Joint(config, parameters))


def frame_by_frame(
    decoder: GreedyDecoder, encoded: torch.Tensor, last: int
) -> tuple[list[tuple[int, int]], PredictionState]:
    """The textbook loop for one stream: one frame, one symbol at a time."""
    state, found = decoder._network.start(), []
    for frame in range(last):
        for _ in range(3):
            joint = torch.relu(encoded[frame] + state.projected[0])
            token = int((decoder._joint.weight @ joint + decoder._joint.bias).argmax())
            if token == VOCABULARY:
                break
            found.append((token, frame))
            state = decoder._network(torch.tensor([token]), state)
    return found, state


@pytest.mark.parametrize("lookahead", [1, 40, 1 << 21])
def test_label_looping_equals_the_textbook_loop(
    decoder: GreedyDecoder, lookahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "LOOKAHEAD_LOGITS", lookahead)
    rows, frames = 9, 14
    encoded = torch.randn(rows, frames, JOINT, generator=torch.Generator().manual_seed(1)) * 2
    last = torch.tensor([14, 1, 9, 14, 5, 0, 14, 13, 2])
    emissions, state = decoder(encoded, last, decoder._network.start().repeat(rows))
    for row in range(rows):
        count = int(emissions.count[row])
        got = list(zip(emissions.tokens[row, :count].tolist(), emissions.frames[row, :count].tolist(), strict=True))
        expected, expected_state = frame_by_frame(decoder, encoded[row], int(last[row]))
        assert got == expected
        torch.testing.assert_close(state.projected[row], expected_state.projected[0])
        per_frame = [sum(1 for _, frame in got if frame == at) for at in range(frames)]
        assert max(per_frame) <= 3
    assert emissions.count.sum() > rows


def decoded_alone(decoder: GreedyDecoder, encoded: torch.Tensor, last: int) -> list[tuple[int, int, float, float]]:
    """Token, frame, probability and sum of powers of each label, from whole softmaxes, one after the other."""
    state, found = decoder._network.start(), []
    for frame in range(last):
        for _ in range(3):
            joint = torch.relu(encoded[frame] + state.projected)
            shares = (joint @ decoder._joint.weight.T + decoder._joint.bias)[0].double().softmax(0)
            token = int(shares.argmax())
            if token == VOCABULARY:
                break
            found.append((token, frame, float(shares[token]), float((shares**ALPHA).sum())))
            state = decoder._network(torch.tensor([token]), state)
    return found


@pytest.mark.parametrize("frames", [1, 2, 7, 20])
@pytest.mark.parametrize("lookahead", [50, 1 << 21])
def test_random_batches_equal_a_search_without_any_trick(
    decoder: GreedyDecoder, frames: int, lookahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "LOOKAHEAD_LOGITS", lookahead)
    generator, labels = torch.Generator().manual_seed(frames), 0
    for rows in (1, 1, 2, 3, 8, 21):
        encoded = torch.randn(rows, frames, JOINT, generator=generator) * 2
        last = torch.randint(0, frames + 1, (rows,), generator=generator)
        if rows in {2, 8}:
            last[:] = frames
        emissions, _ = decoder(encoded, last, decoder._network.start().repeat(rows))
        for row in range(rows):
            expected = decoded_alone(decoder, encoded[row], int(last[row]))
            labels += len(expected)
            assert int(emissions.count[row]) == len(expected)
            columns = emissions.tokens, emissions.frames, emissions.probabilities, emissions.powers
            found = [column[row, : len(expected)].double() for column in columns]
            if expected:
                torch.testing.assert_close(torch.stack(found), torch.tensor(expected).double().T, atol=1e-5, rtol=1e-5)
    assert labels > 3 * frames


def test_the_symbol_limit_is_reached_and_kept(decoder: GreedyDecoder) -> None:
    decoder._joint.bias[-1] -= 100.0
    encoded = torch.zeros(2, 4, JOINT)
    emissions, _ = decoder(encoded, torch.tensor([4, 2]), decoder._network.start().repeat(2))
    assert emissions.count.tolist() == [12, 6]
    assert emissions.frames[0].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_the_lstm_is_torchs(decoder: GreedyDecoder) -> None:
    lstm = torch.nn.LSTM(HIDDEN, HIDDEN, 2)
    name = f"{PREFIX}.dec_rnn.lstm."
    lstm.load_state_dict({key.removeprefix(name): value for key, value in random_weights().items() if name in key})
    tokens = torch.tensor([3, 1, 7])
    state = decoder._network.start().repeat(1)
    embedding = decoder._network._embedding
    with torch.no_grad():
        sequence = torch.cat((embedding[-1:], embedding[tokens]))[:, None]  # blank is the start symbol
        _, (hidden, cell) = lstm(sequence)
    for token in tokens:
        state = decoder._network(token[None], state)
    torch.testing.assert_close(state.hidden, hidden)
    torch.testing.assert_close(state.cell, cell)
