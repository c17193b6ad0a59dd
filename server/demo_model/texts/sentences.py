"""Sentences that callers say to voice agents: patterns, lists, numbers, spelled letters and random word sequences.

Everything is spelled as words ("half past seven", "J O N E S"), punctuated and capitalised. About a third of the text
is random word sequences, names and digits: with predictable text the prediction network learns to ignore the audio.
"""

from __future__ import annotations

import random
import re
import string
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from demo_model.texts import english_patterns as t
from demo_model.texts import english_words as w

HELD_OUT_ONE_IN = 20
ALWAYS_TRAINED_WORDS = 3  # phrases as short as this ("Yes, please.") are never held out
_LETTER_NAMES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            "ay bee see dee ee eff gee aitch eye jay kay ell emm enn oh pee queue are ess tee you vee "
            "double-you ex why zee"
        ).split(),
        strict=True,
    )
)
_SPELLED_RUN = re.compile(r"\b[A-Z](?: [A-Z]\b)+|(?<=with )[A-Z]\b")


@dataclass(frozen=True)
class Sentence:
    """One sentence and the family of patterns it came from ("bookings", "random", ...).

    `heard` is what is said where that differs from what is written, as with an "um".
    """

    text: str
    group: str
    heard: str = ""

    @property
    def spoken(self) -> str:
        """What is said."""
        return self.heard or self.text


class SentenceSource(Protocol):
    """Endless sentences of the training text, or of the held-out text that training never sees."""

    def __call__(self, rng: random.Random, held_out: bool = False) -> Iterator[Sentence]:
        """Draws with `rng`."""
        ...


def small_number(rng: random.Random, low: int = 2, high: int = 12) -> str:
    """A number as words."""
    return number_words(rng.randint(low, high))


def number_words(value: int) -> str:
    """Spell an integer of 0..9999 as English words, without hyphens."""
    if value == 0:
        return "zero"
    parts: list[str] = []
    thousands, rest = divmod(value, 1000)
    hundreds, rest = divmod(rest, 100)
    if thousands:
        parts += [w.ONES[thousands - 1], "thousand"]
    if hundreds:
        parts += [w.ONES[hundreds - 1], "hundred"]
    if rest >= 20:
        parts.append(w.TENS[rest // 10 - 2])
        rest %= 10
    elif rest >= 10:
        parts.append(w.TEENS[rest - 10])
        rest = 0
    if rest:
        parts.append(w.ONES[rest - 1])
    return " ".join(parts)


def clock_time(rng: random.Random) -> str:
    """A time of day: "quarter to nine", "seven thirty"."""
    hour = w.ONES[rng.randrange(9)] if rng.random() < 0.7 else rng.choice(["ten", "eleven", "twelve"])
    forms = (
        f"{hour} o'clock", f"half past {hour}", f"quarter past {hour}", f"quarter to {hour}",
        f"{hour} {rng.choice(['fifteen', 'twenty', 'thirty', 'forty', 'forty five', 'fifty'])}",
        f"{hour} in the {rng.choice(['morning', 'evening', 'afternoon'])}",
        f"{rng.choice(['five', 'ten', 'twenty'])} {rng.choice(['past', 'to'])} {hour}",
        rng.choice(["noon", "midnight"]),
    )  # fmt: skip
    return rng.choices(forms, weights=(3, 3, 2, 2, 4, 3, 2, 1))[0]


def calendar_date(rng: random.Random) -> str:
    """A date: "March twelfth", "the twelfth of March"."""
    month, ordinal = rng.choice(w.MONTHS), rng.choice(w.ORDINALS)
    if rng.random() < 0.15:
        ordinal = f"twenty {w.ORDINALS[rng.randrange(9)]}"
    return f"{month} {ordinal}" if rng.random() < 0.5 else f"the {ordinal} of {month}"


def year(rng: random.Random) -> str:
    """A year in words."""
    if rng.random() < 0.5:
        return f"nineteen {number_words(rng.randint(20, 99))}"
    return rng.choice(["two thousand and " + small_number(rng, 1, 12), "twenty " + number_words(rng.randint(13, 40))])


def digits(rng: random.Random) -> str:
    """One to three groups of digits, as in a telephone number."""
    groups = [rng.choice([3, 3, 4, 2]) for _ in range(rng.choice([1, 2, 2, 3]))]
    return ", ".join(" ".join(rng.choice(("zero", *w.ONES)) for _ in range(size)) for size in groups)


def price(rng: random.Random) -> str:
    """An amount of money."""
    dollars = number_words(rng.choice([rng.randint(2, 20), rng.randint(20, 99), rng.randint(100, 999)]))
    cents = number_words(rng.choice([5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90, 99]))
    return rng.choice([f"{dollars} dollars", f"{dollars} dollars and {cents} cents", f"{dollars} euros"])


def spelled(rng: random.Random) -> str:
    """A name or a code, letter by letter."""
    if rng.random() < 0.4:
        return " ".join(rng.choice(w.LAST_NAMES + w.FIRST_NAMES).upper())
    return " ".join(rng.choice(w.LETTERS) for _ in range(rng.randint(3, 6)))


def address(rng: random.Random) -> str:
    """A house number and a street."""
    number = number_words(rng.choice([rng.randint(1, 99), rng.randint(1, 99), rng.randint(100, 999)]))
    return f"{number} {street(rng)}"


def street(rng: random.Random) -> str:
    """A street name."""
    return f"{rng.choice(w.STREETS)} {rng.choice(w.STREET_KINDS)}"


def company(rng: random.Random) -> str:
    """A company name."""
    return f"{rng.choice(w.COMPANIES)} {rng.choice(w.COMPANY_KINDS)}"


def _pick(options: tuple[str, ...] | list[str]) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice(options)


FILLERS: dict[str, Callable[[random.Random], str]] = {
    "num": small_number, "count": lambda rng: small_number(rng, 2, 99), "time": clock_time, "date": calendar_date,
    "year": year, "digits": digits, "price": price, "money": price, "spelled": spelled, "address": address,
    "street": street, "company": company, "day": _pick(w.DAYS), "month": _pick(w.MONTHS), "first": _pick(w.FIRST_NAMES),
    "last": _pick(w.LAST_NAMES), "city": _pick(w.CITIES), "country": _pick(w.COUNTRIES), "food": _pick(w.FOODS),
    "drink": _pick(w.DRINKS), "product": _pick(w.PRODUCTS), "colour": _pick(w.COLOURS), "size": _pick(w.SIZES),
    "room": _pick(w.ROOMS), "place": _pick(w.PLACES), "vehicle": _pick(w.VEHICLES), "animal": _pick(w.ANIMALS),
    "body": _pick(w.BODY), "illness": _pick(w.ILLNESSES), "job": _pick(w.JOBS), "relative": _pick(w.RELATIVES),
    "weather": _pick(w.WEATHER), "adj": _pick(w.ADJECTIVES), "noun": _pick(w.NOUNS), "verb": _pick(w.VERBS),
    "past": _pick(w.PAST_VERBS), "adverb": _pick(w.ADVERBS), "language": _pick(w.LANGUAGES), "sport": _pick(w.SPORTS),
    "subject": _pick(w.SUBJECTS), "ordinal": _pick(w.ORDINALS), "plural": _pick(w.PLURALS), "letter": _pick(w.LETTERS),
    "prep": _pick(t.PREPOSITIONS), "title": _pick(t.TITLES), "daypart": _pick(t.DAY_PARTS),
    "daypart_past": _pick(t.PAST_PARTS), "qty": lambda rng: small_number(rng, 2, 9),
}  # fmt: skip


def from_template(rng: random.Random) -> Sentence:
    """A sentence of a random template."""
    name, _, body = rng.choices(t.GROUPS, weights=[weight for _, weight, _ in t.GROUPS])[0]
    pattern = rng.choice(body.strip().splitlines())
    text = re.sub(r"\{(\w+)\}", lambda match: FILLERS[match[1]](rng), pattern)
    return Sentence(capitalise(text), name)


@cache
def random_pool() -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Words of random sequences and their weights; a word that sounds like another one is left out."""
    weight: dict[str, float] = {}
    for kind, total in w.RANDOM_KINDS.values():
        for word in sorted({part for phrase in kind for part in phrase.split()} - w.HOMOPHONES):
            weight[word] = weight.get(word, 0.0) + total / len(kind)
    for word in [word for word in weight if word[0].isupper() and word.lower() in weight]:
        del weight[word]
    return tuple(weight), tuple(weight.values())


def random_words(rng: random.Random) -> Sentence:
    """A sequence of unrelated words, which only the audio can tell."""
    pool, weights = random_pool()
    chosen = rng.choices(pool, weights=weights, k=rng.randint(3, 9))
    for index in range(1, len(chosen)):
        if rng.random() < 0.07:
            chosen[index - 1] += ","
    return Sentence(capitalise(" ".join(chosen)) + ("?" if rng.random() < 0.1 else "."), "random")


LISTINGS: tuple[Callable[[random.Random], str], ...] = (
    digits, spelled, address, clock_time, calendar_date, price,
    lambda rng: f"{rng.choice(w.FIRST_NAMES)} {rng.choice(w.LAST_NAMES)}",
    lambda rng: ", ".join(rng.choice(w.FIRST_NAMES + w.LAST_NAMES) for _ in range(3)),
    lambda rng: number_words(rng.randint(13, 9999)),
    lambda rng: f"{rng.choice(w.CITIES)}, {rng.choice(w.COUNTRIES)}",
)  # fmt: skip


def listing(rng: random.Random) -> Sentence:
    """Digits, spelled letters, names, times: important for agents, and not predictable."""
    maker = rng.choice(LISTINGS)
    return Sentence(capitalise(maker(rng)) + ".", "listing")


def capitalise(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def is_held_out(sentence: Sentence) -> bool:
    """Whether a sentence is held out for tests. Its text alone decides, so that it is never in the training data."""
    if len(sentence.text.split()) <= ALWAYS_TRAINED_WORDS:
        return False
    return zlib.crc32(normalise(sentence.text).encode()) % HELD_OUT_ONE_IN == 0


def normalise(text: str) -> str:
    """Lower-case and drop punctuation, as word error rates are counted (apostrophes stay)."""
    kept = text.lower().translate(str.maketrans("", "", string.punctuation.replace("'", "") + "¿¡"))
    return " ".join(kept.split())


def generate(rng: random.Random, held_out: bool = False) -> Iterator[Sentence]:
    """Endless sentences of the training text, or of the held-out text that training never sees."""
    makers = (from_template, random_words, listing)
    while True:
        sentence = rng.choices(makers, weights=(0.66, 0.26, 0.08))[0](rng)
        if is_held_out(sentence) == held_out:
            yield sentence


def vocabulary(sentences: list[str]) -> set[str]:
    """Distinct words, case and punctuation aside."""
    return {word for text in sentences for word in normalise(text).split()}


def spoken_form(text: str) -> str:
    """Text as a synthesiser should read it: runs of single capitals become the names of the letters."""
    return _SPELLED_RUN.sub(lambda match: " ".join(_LETTER_NAMES[letter] for letter in match[0].split()), text)
