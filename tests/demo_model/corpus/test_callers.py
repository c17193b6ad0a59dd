from __future__ import annotations

import random

import pytest

from demo_model.corpus import callers
from demo_model.corpus.lines import as_written
from demo_model.texts.sentences import Sentence

SPOKEN = Sentence("I would like to talk to a person, please.", "support")


@pytest.mark.parametrize("seed", range(20))
def test_hesitations_are_heard_and_not_written(seed: int) -> None:
    hesitant = callers.hesitant(SPOKEN, random.Random(seed))
    assert hesitant.text == SPOKEN.text
    heard = [word.strip(",").lower() for word in hesitant.spoken.split()]
    added = [word for word in heard if word in callers.HESITATIONS]
    assert 1 <= len(added) <= 2
    assert [word for word in heard if word not in callers.HESITATIONS] == [
        word.strip(",").lower() for word in SPOKEN.text.split()
    ]


def test_a_restart_is_written_as_it_is_said() -> None:
    seen = {callers.restarted(SPOKEN, random.Random(seed)).text for seed in range(12)}
    assert "I would, I would like to talk to a person, please." in seen
    assert callers.restarted(Sentence("Yes, of course I do.", "g"), random.Random(0)).text == "Yes, of course I do."


def test_numbers_and_names_are_words_that_training_text_may_hold() -> None:
    rng = random.Random(4)
    made = [callers.from_caller(rng) for _ in range(300)]
    assert {sentence.group for sentence in made} == {"number", "spelling"}
    assert all(as_written(sentence.text) == sentence.text for sentence in made if len(sentence.text.split()) > 1)
    assert any("double" in sentence.text for sentence in made)
    assert not any("{" in sentence.text for sentence in made)


def test_digits_are_as_many_as_their_groups_have() -> None:
    for seed in range(30):
        groups = callers.spoken_digits(random.Random(seed), (3, 3, 4)).split(", ")
        assert [len(group.split()) for group in groups] == [3, 3, 4], "double five counts as two"
