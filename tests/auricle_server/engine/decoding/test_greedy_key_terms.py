"""Searches with key terms against the reference, which goes frame by frame and symbol by symbol."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine.decoding import greedy as decoder_module
from auricle_server.engine.decoding.greedy import GreedyDecoder
from auricle_server.engine.key_terms.automaton import Bonus, build_automaton
from auricle_server.engine.key_terms.automaton_cache import AutomatonCache
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.key_term_tables import KeyTermPool, Size
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.prediction_network import PredictionNetwork
from auricle_server.engine.ops import KeyTermRows
from auricle_server.engine.ops.key_terms import KeyTermSearch
from tests.auricle_server.engine.decoding.test_greedy import HIDDEN, JOINT, VOCABULARY, random_weights
from tests.support.engine.key_term_search import Follower, Scores, search

PIECES = ("▁", "▁a", "a", "b", "c", "ab", "▁b", "ca", "▁c", "bb", "▁ab")
BONUS = Bonus(first=0.7, growth=1.5, most=3.0)
LISTS = (("abca", "cab"), (), ("a", "abb", "b a"), ("caca bab", "abcab"), ("bbbbb",))
FRAMES, MAX_SYMBOLS = 14, 3


@pytest.fixture
def decoder() -> GreedyDecoder:
    config = DecoderConfig(2, HIDDEN, JOINT, VOCABULARY, MAX_SYMBOLS)
    parameters = Parameters(random_weights(), torch.device("cpu"), torch.float32)
    return GreedyDecoder(config, PredictionNetwork(config, parameters), Joint(config, parameters))


def tables(lists: tuple[tuple[str, ...], ...]) -> tuple[KeyTermPool, list[int]]:
    """The automata of all lists, and their roots."""
    pool = KeyTermPool(Size(500, 5000), VOCABULARY, torch.device("cpu"))
    library = AutomatonCache(PIECES, *pool.size, pool.load, BONUS)
    handles = [library.take(phrases) for phrases in lists]
    while library.busy:
        library.work(1.0)
    return pool, [library.roots[handle] for handle in handles]


def scores_of(decoder: GreedyDecoder, encoded: torch.Tensor, frame: int, tokens: list[int]) -> Scores:
    state = decoder._network.start()
    for token in tokens:
        state = decoder._network(torch.tensor([token]), state)
    logits = decoder._joint.weight @ torch.relu(encoded[frame] + state.projected[0]) + decoder._joint.bias
    return logits.numpy()


@pytest.mark.parametrize("lookahead", [400, 1 << 21])  # windows of several sizes, and of whole chunks
@pytest.mark.parametrize("ends", [(14, 1, 9, 14, 5, 0, 14, 13, 2, 14, 14, 14, 14, 14, 14), (14,) * 15])
def test_every_row_of_a_batch_finds_what_the_reference_finds_alone(
    decoder: GreedyDecoder, lookahead: int, ends: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "LOOKAHEAD_LOGITS", lookahead)
    rows = 15
    encoded = torch.randn(rows, FRAMES, JOINT, generator=torch.Generator().manual_seed(1)) * 2
    last = torch.tensor(ends)
    pool, roots = tables(LISTS)
    asked = torch.tensor([roots[row % len(LISTS)] for row in range(rows)], dtype=torch.int32)
    terms = KeyTermRows(pool.tables, asked.clone())
    emissions, _ = decoder(encoded, last, decoder._network.start().repeat(rows), KeyTermSearch(terms, VOCABULARY))
    plain, _ = decoder(encoded, last, decoder._network.start().repeat(rows))
    changed = 0
    for row in range(rows):
        made = build_automaton(
            (f"▁{text.replace(' ', '▁')}" for text in LISTS[row % len(LISTS)]), PieceTrie(PIECES), BONUS
        )
        expected = search(
            lambda frame, tokens, row=row: scores_of(decoder, encoded[row], frame, tokens),  # type: ignore[misc]
            int(last[row]),
            made,
            VOCABULARY,
            MAX_SYMBOLS,
        )
        count = int(emissions.count[row])
        found = list(zip(emissions.tokens[row, :count].tolist(), emissions.frames[row, :count].tolist(), strict=True))
        assert found == [(emission.token, emission.frame) for emission in expected]
        probabilities = np.exp([emission.log_probability for emission in expected])
        np.testing.assert_allclose(emissions.probabilities[row, :count].numpy(), probabilities, rtol=1e-4, atol=1e-6)
        follower = Follower(made, VOCABULARY)
        for token, _ in found:
            follower.follow(token)
        assert int(terms.state[row]) == (int(asked[row]) + follower.state if asked[row] else 0)
        unfavoured = plain.tokens[row, : int(plain.count[row])].tolist()
        same = [token for token, _ in found] == unfavoured
        changed += not same
        assert same or asked[row]
    assert changed >= 3


def test_a_phrase_never_begins_in_place_of_a_blank_but_goes_on_there() -> None:
    made = build_automaton(["▁abca"], PieceTrie(PIECES), Bonus(first=9.0, growth=9.0, most=9.0))
    follower = Follower(made, VOCABULARY)
    logits = np.zeros(VOCABULARY + 1, np.float32)
    logits[VOCABULARY] = 5.0
    assert follower.choose(logits) == VOCABULARY
    logits[PIECES.index("c")] = 6.0
    assert follower.choose(logits) == PIECES.index("▁ab")
    follower.follow(PIECES.index("▁ab"))
    logits[PIECES.index("c")] = 4.0
    assert follower.choose(logits) == PIECES.index("ca")
    assert follower.choose(logits, spoken=True) == VOCABULARY, "one label of a frame in place of a blank"
    follower.follow(PIECES.index("bb"))
    assert follower.choose(logits) == VOCABULARY
