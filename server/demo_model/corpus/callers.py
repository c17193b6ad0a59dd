"""How callers speak: hesitations, which nobody writes down, restarts, names that are spelled, numbers in groups.

A `Sentence` has what is written and, where they differ, what is spoken.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from demo_model.texts import english_words as w
from demo_model.texts.sentences import Sentence, capitalise

HESITATIONS = "um", "uh", "er", "uhm", "hmm"
HESITATION_SHARE, RESTART_SHARE, DOUBLE_SHARE = 0.07, 0.03, 0.06
NUMBER_STARTS = (
    "My number is", "It's", "You can reach me at", "The number is", "My phone number is", "Sure, it's", "Okay,", "",
    "The reference number is", "My account number is", "That's", "Yes, it's", "The last four digits are", "My PIN is",
)  # fmt: skip
SPELLING_STARTS = "It's spelled", "That's", "My last name is {name}, spelled", "{name}, that's", "", "I spell it", "So"
GROUP_SIZES = (3, 3, 4), (3, 4), (4, 4, 4, 4), (2, 2, 2, 2), (3, 3, 3), (4, 3, 3), (5, 6), (4,), (6,), (3,)


def hesitant(sentence: Sentence, rng: random.Random) -> Sentence:
    """One "um" or two that are heard and not written."""
    words = sentence.spoken.split()
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(words))
        sound = rng.choice(HESITATIONS)
        words[at : at + 1] = [capitalise(sound) + ",", words[at]] if at == 0 else [f"{sound},", words[at]]
        if at and not words[at - 1].endswith((",", ".", "?")):
            words[at - 1] += ","
    return replace(sentence, heard=" ".join(words))


def restarted(sentence: Sentence, rng: random.Random) -> Sentence:
    """The first words twice, as somebody says them who starts again; both are written."""
    words = sentence.text.split()
    count = rng.randint(1, 3)
    first = words[:count]
    if len(words) < count + 3 or any(word[-1] in ",.?" for word in first):
        return sentence
    again = first[0] if first[0].startswith("I") or first[0] in _NAMES else first[0].lower()
    text = " ".join([*first[:-1], first[-1] + ",", again, *first[1:], *words[count:]])
    return replace(sentence, text=text)


_NAMES = frozenset((*w.FIRST_NAMES, *w.LAST_NAMES, *w.DAYS, *w.MONTHS))


def spoken_digits(rng: random.Random, sizes: tuple[int, ...]) -> str:
    """Digits in groups; now and then "oh" for zero and "double five"."""
    zero = rng.choice(("zero", "zero", "oh"))
    groups = []
    for size in sizes:
        words: list[str] = []
        while len(words) < size:
            digit = rng.choice((zero, *w.ONES))
            twice = len(words) + 2 <= size and rng.random() < DOUBLE_SHARE
            words += ["double", digit] if twice else [digit]
        groups.append(" ".join(words))
    return ", ".join(groups)


def number(rng: random.Random) -> Sentence:
    """A telephone, account or card number in groups."""
    start = rng.choice(NUMBER_STARTS)
    text = f"{start} {spoken_digits(rng, rng.choice(GROUP_SIZES))}".strip()
    return Sentence(capitalise(text) + ".", "number")


def spelling(rng: random.Random) -> Sentence:
    """A name or a code, letter by letter, sometimes in groups or with digits."""
    name = rng.choice(w.LAST_NAMES + w.FIRST_NAMES)
    start = rng.choice(SPELLING_STARTS).format(name=name)
    if "{name}" not in start and name not in start and rng.random() < 0.4:
        letters = [rng.choice(w.LETTERS) for _ in range(rng.randint(2, 7))]
        if rng.random() < 0.5:
            letters += [rng.choice(("zero", *w.ONES)) for _ in range(rng.randint(1, 4))]
    else:
        letters = list(name.upper())
    if len(letters) > 4 and rng.random() < 0.3:
        letters[len(letters) // 2 - 1] += ","
    return Sentence(capitalise(f"{start} {' '.join(letters)}".strip()) + ".", "spelling")


MAKERS: tuple[Callable[[random.Random], Sentence], ...] = (number, number, spelling)


def from_caller(rng: random.Random) -> Sentence:
    """A number or a spelled name."""
    return rng.choice(MAKERS)(rng)


def as_spoken(sentence: Sentence, rng: random.Random) -> Sentence:
    """The sentence, a few of them with a restart or with hesitations."""
    if rng.random() < RESTART_SHARE:
        sentence = restarted(sentence, rng)
    return hesitant(sentence, rng) if rng.random() < HESITATION_SHARE else sentence
