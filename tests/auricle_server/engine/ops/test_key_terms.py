"""The operations of key terms: kernels against plain PyTorch, and plain PyTorch against the reference."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from auricle_server.engine.key_terms.automaton import Automaton, build_automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.engine.model.key_term_tables import KeyTermPool, Size
from auricle_server.engine.ops import JointInputs, JointScores, KeyTermRows, KeyTermTables, Ops
from tests.support.engine.key_term_search import Follower
from tests.support.engine.step_inputs import Source

LETTERS = "abcdefgh"
PIECES = ("▁", *LETTERS, *(a + b for a in LETTERS for b in LETTERS), *("▁" + a for a in LETTERS))
BLANK = len(PIECES)
BATCH, FRAMES, SIZE = 13, 5, 24


@dataclass(frozen=True)
class Scene:
    """Tables with two automata, and rows in all of their states."""

    tables: KeyTermTables
    automata: tuple[Automaton, ...]
    spans: tuple[TableSpan, ...]
    states: Tensor

    def follower(self, row: int) -> Follower | None:
        """The reference of a row; None where it has no terms."""
        state = int(self.states[row])
        for span, automaton in zip(self.spans, self.automata, strict=True):
            if span.state <= state < span.state + automaton.states:
                follower = Follower(automaton, BLANK)
                follower.state = state - span.state
                return follower
        return None


def scene(seed: int, device: torch.device) -> Scene:
    rng = random.Random(seed)
    pool = KeyTermPool(Size(4000, 40_000), BLANK, device)
    spans, automata, states = [], [], [0]
    for count, span in ((120, TableSpan(1, 0)), (3, TableSpan(3000, 30_000))):
        texts = ["".join("▁" + "".join(rng.choices(LETTERS, k=6)) for _ in range(2)) for _ in range(count)]
        automaton = build_automaton(texts, PieceTrie(PIECES))
        pool.load(span, automaton)
        spans.append(span)
        automata.append(automaton)
        states += [span.state, *(span.state + rng.randrange(automaton.states) for _ in range(5))]
    chosen = torch.tensor(states, dtype=torch.int32, device=device)
    return Scene(pool.tables, tuple(automata), tuple(spans), chosen)


@dataclass
class Given:
    """Input of `Ops.favour`."""

    inputs: JointInputs
    scores: JointScores
    repeats: Tensor

    def favour(self, ops: Ops, made: Scene) -> tuple[Tensor, Tensor]:
        scores = JointScores(*(column.clone() for column in self.scores))
        ops.favour(self.inputs, scores, self.repeats, KeyTermRows(made.tables, made.states))
        return scores.token, scores.log_probability


def scores(seed: int, device: torch.device, window: int, portable: Ops) -> Given:
    source = Source(seed, device)
    at = source.integers(0, FRAMES, BATCH)
    weight, bias = source.normal(BLANK + 1, SIZE), source.normal(BLANK + 1)
    bias[BLANK] += 6.0  # about every second frame is blank
    inputs = JointInputs(source.normal(BATCH, FRAMES, SIZE), at, source.normal(BATCH, SIZE), weight, bias)
    found = portable.joint_scores(inputs, window)
    return Given(inputs, found, source.integers(0, 2, BATCH, dtype=torch.int32))


@pytest.mark.parametrize("window", [1, 3])
def test_portable_equals_the_reference(portable: Ops, window: int) -> None:
    made, given = scene(1, torch.device("cpu")), scores(2, torch.device("cpu"), window, portable)
    token, log_probability = given.favour(portable, made)
    inputs = given.inputs
    changed = blanks = 0
    for row in range(BATCH):
        follower = made.follower(row)
        for step in range(min(window, FRAMES - int(inputs.at[row]))):
            hidden = torch.relu(inputs.encoded[row, int(inputs.at[row]) + step] + inputs.projected[row])
            logits = inputs.weight @ hidden + inputs.bias
            spoken = step == 0 and bool(given.repeats[row])
            expected = int(logits.argmax()) if follower is None else follower.choose(logits.numpy(), spoken)
            assert int(token[row, step]) == expected
            torch.testing.assert_close(log_probability[row, step], logits.log_softmax(0)[expected])
            changed += expected != int(given.scores.token[row, step])
            blanks += expected != int(given.scores.token[row, step]) == BLANK
    assert changed > blanks > 0
