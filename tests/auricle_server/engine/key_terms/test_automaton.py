"""Automata against their definition: which texts are states, which tokens lead where, what a bonus depends on."""

from __future__ import annotations

import random
import tarfile
import time

import numpy as np
import pytest
import sentencepiece

from auricle_server.checkpoints.load import load_checkpoint, locate
from auricle_server.engine.key_terms.automaton import (
    Automaton,
    Bonus,
    build_automaton,
    build_automaton_in_steps,
)
from auricle_server.engine.key_terms.automaton_builder import TooManyArcs
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.text.key_terms import alphabet, spellings
from tests.support.engine.scalar_automaton import ScalarPieceTrie, scalar_automaton

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
    vocabulary = PieceTrie([processor.id_to_piece(index) for index in range(processor.get_piece_size())])
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


def random_case(seed: int) -> tuple[list[str], list[str], list[float] | None]:
    """Pieces, texts, and the scores of a Unigram tokenizer or None; ties, doubles and unknown characters included."""
    rng = random.Random(seed)
    pieces = ["<unk>", "▁", *"abc"]
    for _ in range(rng.randint(0, 25)):
        mark, inner = "▁" * (rng.random() < 0.4), "abc▁" if seed % 3 == 0 else "abc"
        pieces.append(mark + "".join(rng.choices(inner, k=rng.randint(1, 5))))
    if seed % 5 == 0:
        pieces.remove(rng.choice("abc"))
    letters = "abc▁x" if seed % 7 == 0 else "abc▁"
    texts = ["".join(rng.choices(letters, k=rng.randint(1, 14))) for _ in range(rng.randint(1, 30))]
    scores = [-float(rng.randint(1, 3)) if seed % 8 == 1 else -10 * rng.random() for _ in pieces]
    return pieces, texts, scores if seed % 4 == 1 else None


def assert_equal(made: Automaton, expected: Automaton) -> None:
    for name in ("first", "tokens", "bonuses", "targets"):
        ours, theirs = getattr(made, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype, name
        np.testing.assert_array_equal(ours, theirs, name)


@pytest.mark.parametrize("block", range(6))
def test_the_arrays_hold_what_one_arc_after_another_makes(block: int) -> None:
    for seed in range(40 * block, 40 * block + 40):
        pieces, texts, scores = random_case(seed)
        made = build_automaton(texts, PieceTrie(pieces, scores), BONUS)
        assert_equal(made, scalar_automaton(texts, ScalarPieceTrie(pieces, scores), BONUS))


def long_list(pieces: tuple[str, ...], phrases: int = 1000, seed: int = 1) -> list[str]:
    """All spellings of random phrases of 24 characters, words of five letters or so."""
    rng, letters = random.Random(seed), alphabet(pieces)
    choice = sorted(letter for letter in letters if letter.islower()) + [" "] * 5
    listed = ["".join(rng.choices(choice, k=24)) for _ in range(phrases)]
    return [text for phrase in listed for text in spellings(phrase, letters)]


def test_a_list_of_the_demo_model_is_made_many_times_faster_to_the_same_arcs() -> None:
    """1,000 phrases of 24 characters took a second of a processor, and take some 70 ms; the margin is for noise."""
    pieces = load_checkpoint("demo").pieces
    texts, vocabulary = long_list(pieces), PieceTrie(pieces)
    begun = time.process_time()
    expected = scalar_automaton(texts, ScalarPieceTrie(pieces))
    slow, seconds = time.process_time() - begun, []
    for _ in range(3):
        begun = time.process_time()
        assert_equal(build_automaton(texts, vocabulary), expected)
        seconds.append(time.process_time() - begun)
    assert min(seconds) < slow / 4


def test_no_step_of_a_long_list_takes_more_than_a_fraction_of_all() -> None:
    pieces = load_checkpoint("demo").pieces
    steps = build_automaton_in_steps(long_list(pieces), PieceTrie(pieces))
    shares = np.array([1.0])
    for _ in range(3):  # a busy machine may interrupt any step: the least of three tries counts
        seconds, begun = [], time.process_time()
        for _ in build_automaton_in_steps(long_list(pieces), PieceTrie(pieces)):
            seconds.append(time.process_time() - begun)
            begun = time.process_time()
        shares = np.minimum(shares, max(seconds[3:]) / sum(seconds))
    assert sum(1 for _ in steps) > 100
    assert shares.item() < 0.2


def test_an_automaton_that_would_be_too_large_is_given_up() -> None:
    pieces = load_checkpoint("demo").pieces
    texts, vocabulary = long_list(pieces, 100), PieceTrie(pieces)
    made = build_automaton(texts, vocabulary)
    fits = made.states, len(made.tokens)

    def build(most: tuple[int, int]) -> None:
        for _ in build_automaton_in_steps(texts, vocabulary, most=most):
            pass

    build(fits)
    for most in ((fits[0] - 1, fits[1]), (fits[0], fits[1] - 1), (fits[0], 10)):
        with pytest.raises(TooManyArcs):
            build(most)
