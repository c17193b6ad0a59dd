"""Automata against their definition: which texts are states, which tokens lead where, what a bonus depends on."""

from __future__ import annotations

import random
import tarfile

import numpy as np
import pytest
import sentencepiece

from auricle_server.checkpoints.load import locate
from auricle_server.engine.key_terms.automaton import (
    Automaton,
    Bonus,
    build_automaton,
    build_automaton_in_steps,
)
from auricle_server.engine.key_terms.piece_trie import PieceTrie

PIECES = ("<unk>", "▁", "▁a", "▁an", "a", "n", "b", "an", "nn", "nab", "▁b", "el", "e", "l", "<en-US>", "▁ab")
BONUS = Bonus(first=1.0, growth=2.0, most=5.0)


def automaton(*texts: str) -> Automaton:
    return build_automaton(texts, PieceTrie(PIECES), BONUS)


def token(piece: str) -> int:
    return PIECES.index(piece)


def step(made: Automaton, state: int, piece: str) -> tuple[float, int]:
    """Bonus and next state, as a search takes them: a state's own arc, else the root's, else the root."""
    for arcs in (made.arcs(state), made.arcs(0)):
        if token(piece) in arcs:
            return arcs[token(piece)]
    return 0.0, 0


def walk(made: Automaton, *pieces: str) -> list[float]:
    state, bonuses = 0, []
    for piece in pieces:
        bonus, state = step(made, state, piece)
        bonuses.append(bonus)
    return bonuses


def test_every_segmentation_leads_along_the_phrase() -> None:
    made = automaton("▁annab")
    ends = set()
    for pieces in (("▁an", "nab"), ("▁", "an", "nab"), ("▁a", "nn", "a", "b"), ("▁a", "n", "n", "a", "b")):
        state = 0
        for piece in pieces:
            _, state = step(made, state, piece)
            assert state
        ends.add(state)
    assert len(ends) == 1
    assert made.arcs(ends.pop()) == {}


def test_a_bonus_grows_with_the_characters_that_have_come() -> None:
    made = automaton("▁annab")
    assert walk(made, "▁an", "n", "a", "b") == [1.0, 2.0, 4.0, 5.0]


def test_other_pieces_are_favoured_only_where_the_tokenisers_own_do_not_go_on() -> None:
    made = automaton("▁annab")
    assert PieceTrie(PIECES).segmented("▁annab") == ["▁an", "n", "a", "b"]
    assert walk(made, "▁a", "n", "n", "a", "b") == [0.0, 0.0, 2.0, 4.0, 5.0]
    assert walk(made, "▁", "a", "n") == [0.0, 1.0, 0.0]  # the mark of a word is no character
    assert walk(made, "▁", "an", "n") == [0.0, 1.0, 2.0]
    assert walk(made, "▁an", "nab") == [1.0, 0.0]


def test_the_tokenisers_own_segmentation_is_sentencepieces() -> None:
    with tarfile.open(locate("demo")) as archive:
        member = next(each for each in archive.getmembers() if each.name.endswith("tokenizer.model"))
        stream = archive.extractfile(member)
        assert stream is not None
        processor = sentencepiece.SentencePieceProcessor(model_proto=stream.read())
    vocabulary = PieceTrie(processor.id_to_piece(index) for index in range(processor.get_piece_size()))
    rng = random.Random(8)
    for _ in range(300):
        word = "".join(rng.choices("abcdefghijklmnoprstuvwyAEKS", k=rng.randint(1, 12)))
        assert vocabulary.segmented("▁" + word) == processor.encode(word, out_type=str)


def test_a_phrase_that_breaks_off_has_lost_its_bonus() -> None:
    made = automaton("▁annab")
    assert walk(made, "▁an", "e", "nab") == [1.0, 0.0, 0.0]
    assert walk(made, "▁an", "▁an", "n") == [1.0, 1.0, 2.0]


def test_an_ending_that_begins_another_phrase_goes_on() -> None:
    made = automaton("▁an▁ab", "▁abel")
    assert walk(made, "▁an", "▁ab", "el") == [1.0, 2.0, 2.0]
    assert walk(made, "▁an", "▁ab", "e", "l") == [1.0, 2.0, 0.0, 4.0]


def test_behind_a_whole_phrase_a_longer_one_begins_anew() -> None:
    made = automaton("▁an", "▁annab")
    assert walk(made, "▁an", "n", "a", "b") == [1.0, 1.0, 0.0, 2.0]


def test_pieces_that_are_no_text_are_left_out() -> None:
    pieces = (*PIECES, "<", "u", "k", ">")
    made = build_automaton(["<unk>"], PieceTrie(pieces), BONUS)
    assert pieces.index("<unk>") not in made.tokens
    assert [pieces[each] for each in made.tokens.tolist()] == ["<", "u", "n", "k", ">"]


def test_no_phrases_make_a_root_without_arcs() -> None:
    made = automaton()
    assert (made.states, made.first.tolist(), len(made.tokens)) == (1, [0, 0], 0)


@pytest.mark.parametrize("seed", range(20))
def test_states_are_the_longest_endings_that_begin_a_phrase(seed: int) -> None:
    rng = random.Random(seed)
    texts = ["".join("▁" + "".join(rng.choices("abenl", k=rng.randint(1, 4))) for _ in range(2)) for _ in range(6)]
    made = automaton(*texts)
    prefixes = {text[:end] for text in texts for end in range(len(text) + 1)}
    spelled: dict[int, str] = {0: ""}
    state, heard = 0, ""
    for piece in rng.choices([p for p in PIECES if not p.startswith("<")], k=3000):
        _, state = step(made, state, piece)
        heard += piece
        longest = next((heard[i:] for i, c in enumerate(heard) if c == "▁" and heard[i:] in prefixes), "")
        assert spelled.setdefault(state, longest) == longest
        heard = heard[-20:]
    assert len(set(spelled.values())) == len(spelled), "two states for one text"
    assert len(spelled) > 5


def test_columns_are_sorted_and_fit_together() -> None:
    made = automaton("▁annab", "▁an▁ab", "▁ben", "▁el")
    assert made.first[0] == 0
    assert made.first[-1] == len(made.tokens) == len(made.bonuses) == len(made.targets)
    assert [each.dtype for each in (made.tokens, made.targets)] == [np.int32, np.int32]
    assert made.bonuses.dtype == np.float32
    for state in range(made.states):
        tokens = made.tokens[made.first[state] : made.first[state + 1]]
        assert (np.diff(tokens) > 0).all()
    assert (made.targets > 0).all()
    assert (made.targets < made.states).all()


def test_a_thousand_phrases_are_made_in_small_steps() -> None:
    rng = random.Random(3)
    texts = ["▁" + "".join(rng.choices("abenl", k=9)) for _ in range(1000)]
    steps = sum(1 for _ in build_automaton_in_steps(texts, PieceTrie(PIECES), BONUS))
    assert steps > 5000
