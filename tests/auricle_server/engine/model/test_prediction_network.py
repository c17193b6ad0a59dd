from __future__ import annotations

import pytest
import torch

from auricle_server.engine.model import prediction_network
from auricle_server.engine.model.prediction_network import PredictionNetwork, PredictionState
from auricle_server.engine.ops import portable_ops
from tests.support.engine.tiny_model import CONFIG, parameters

DECODER = CONFIG.decoder


def network() -> PredictionNetwork:
    return PredictionNetwork(DECODER, parameters())


def pytorch_lstm() -> torch.nn.LSTM:
    lstm = torch.nn.LSTM(DECODER.hidden, DECODER.hidden, DECODER.layers)
    weights = parameters()
    names = [name for name, _ in lstm.named_parameters()]
    lstm.load_state_dict({name: weights.exact(f"decoder.prediction.dec_rnn.lstm.{name}") for name in names})
    return lstm


def test_tokens_one_by_one_equal_an_lstm_of_pytorch() -> None:
    weights, tokens = parameters(), [3, 17, 5]
    embedding = weights.exact("decoder.prediction.embed.weight")
    start = embedding[-1:]  # blank is the start symbol
    sequence = torch.cat((start, embedding[tokens]))[:, None]
    with torch.no_grad():
        out, _ = pytorch_lstm()(sequence)
    expected = out[:, 0] @ weights.exact("joint.pred.weight").T + weights.exact("joint.pred.bias")
    made, state = network(), network().start()
    torch.testing.assert_close(state.projected[0], expected[0], atol=1e-5, rtol=1e-4)
    for step, token in enumerate(tokens, 1):
        state = made(torch.tensor([token]), state)
        torch.testing.assert_close(state.projected[0], expected[step], atol=1e-5, rtol=1e-4)


def test_a_table_of_labels_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with_table, tokens = network(), torch.tensor([3, 0, DECODER.vocabulary])
    monkeypatch.setattr(prediction_network, "LABEL_TABLE_BYTES", 0)
    without = network()
    assert with_table._table is not None
    assert without._table is None
    one, other = with_table.start().repeat(3), without.start().repeat(3)
    for _ in range(2):
        one, other = with_table(tokens, one), without(tokens, other)
    for name in ("hidden", "cell", "projected"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), atol=1e-6, rtol=1e-6)


def test_feeding_advances_in_place() -> None:
    made = network()
    state = made.start().repeat(2)
    expected = made(torch.tensor([4, 9]), state)
    assert not torch.equal(expected.hidden, state.hidden)
    made.feed(torch.tensor([4, 9]), state)
    assert torch.equal(expected.hidden, state.hidden)
    assert torch.equal(expected.cell, state.cell)
    assert torch.equal(expected.projected, state.projected)


def test_rows_that_are_not_active_keep_their_state() -> None:
    made = network()
    state = made.start().repeat(3)
    before = PredictionState(state.hidden.clone(), state.cell.clone(), state.projected.clone())
    active = torch.tensor([True, False, True])
    made.advance(torch.tensor([4, 4, 9]), state, active, portable_ops())
    assert torch.equal(state.hidden[:, 1], before.hidden[:, 1])
    assert torch.equal(state.projected[1], before.projected[1])
    expected = made(torch.tensor([4, 9]), before.take(torch.tensor([0, 2])))
    torch.testing.assert_close(state.projected[[0, 2]], expected.projected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(state.cell[:, [0, 2]], expected.cell, atol=1e-6, rtol=1e-5)


def test_rows_are_taken_and_put_back() -> None:
    state = network().start().repeat(4)
    one = network()(torch.tensor([7]), network().start())
    state.put(torch.tensor([2]), one)
    assert torch.equal(state.take(torch.tensor([2])).hidden, one.hidden)
    assert state.bytes == 4 * 4 * (2 * DECODER.layers * DECODER.hidden + DECODER.joint)
