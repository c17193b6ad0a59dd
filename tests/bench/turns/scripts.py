"""What is said in a conversation, and where its speaker pauses. Pure: seeds go in, texts come out."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from demo_model.texts import english_words
from demo_model.texts.sentences import capitalise, generate, normalise

SetName = Literal["tune", "held_out"]
SETS: tuple[SetName, ...] = ("tune", "held_out")
PAUSE_SECONDS = (0.2, 1.5)
"""Pauses within a turn are drawn evenly between these."""
DRAWL = (1.0, 2.0)
"""How much longer the last syllable before a pause gets, drawn evenly: people lengthen what they stop at, and more so
when they go on; synthesisers do not, being told of no pause."""
KINDS = {"plain": 0.26, "short": 0.1, "mid": 0.24, "hesitation": 0.14, "groups": 0.11, "conjunction": 0.09}
KINDS["complete"] = 0.06
"""Share of turns of each kind; the last one breaks between two whole sentences, which nothing but time can tell."""
FILLERS = ("um", "uh", "er", "let me see", "you know")
CONJUNCTIONS = ("and", "but", "so")
_CARRIERS: dict[SetName, tuple[str, ...]] = {
    "tune": ("My number is", "The code is", "You can reach me at"),
    "held_out": ("My account number is", "The reference is", "Please call me on"),
}
_SPELLERS: dict[SetName, tuple[str, ...]] = {
    "tune": ("My name is spelled", "That is spelled"),
    "held_out": ("My last name is spelled", "You spell it"),
}
_FEWEST_WORDS = 6
_SHORT_WORDS = 3


@dataclass(frozen=True)
class Break:
    """A pause within a rendered line.

    Attributes:
        before: What has been said by then.
        kind: Of place.
        seconds: It lasts.
        drawl: How much longer than a synthesiser says it the speaker takes for the last syllable.
    """

    before: str
    kind: str
    seconds: float
    drawl: float

    @classmethod
    def at(cls, before: str, kind: str, rng: random.Random) -> Break:
        """One of random length."""
        return cls(before, kind, _pause(rng), rng.uniform(*DRAWL))


@dataclass(frozen=True)
class ScriptLine:
    """What is rendered in one go: its text, and where it is broken."""

    text: str
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True)
class TurnScript:
    """A turn: its kind, its lines, and the pauses between them, one fewer."""

    kind: str
    lines: tuple[ScriptLine, ...]
    between: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(line.text for line in self.lines)


def belongs(text: str, part: SetName) -> bool:
    """Whether a sentence is one of a set's; each sentence is one of exactly one set."""
    return SETS[zlib.crc32(normalise(text).encode()) // 20 % len(SETS)] == part


def scripts(rng: random.Random, part: SetName) -> Iterator[TurnScript]:
    """Endless turns of a set: sentences that the demo model never saw in training, except the short ones."""
    sentences, answers = _sentences(rng, part, held_out=True), _sentences(rng, part, held_out=False)
    longer = (text for text in sentences if len(text.split()) >= _FEWEST_WORDS)
    shorter = (text for text in answers if len(text.split()) <= _SHORT_WORDS)
    makers: dict[str, Callable[[], TurnScript]] = {
        "plain": lambda: TurnScript("plain", (ScriptLine(next(sentences)),)),
        "short": lambda: TurnScript("short", (ScriptLine(next(shorter)),)),
        "mid": lambda: _mid(rng, next(longer)),
        "hesitation": lambda: _hesitation(rng, next(longer)),
        "groups": lambda: _groups(rng, part),
        "conjunction": lambda: _conjunction(rng, next(sentences), next(sentences)),
        "complete": lambda: TurnScript(
            "complete", (ScriptLine(next(sentences)), ScriptLine(next(sentences))), (_pause(rng),)
        ),
    }
    while True:
        yield makers[rng.choices(list(KINDS), weights=list(KINDS.values()))[0]]()


def _sentences(rng: random.Random, part: SetName, *, held_out: bool) -> Iterator[str]:
    source = generate(rng, held_out)
    return (each.text for each in source if each.group not in {"random", "listing"} and belongs(each.text, part))


def _pause(rng: random.Random) -> float:
    return rng.uniform(*PAUSE_SECONDS)


def _mid(rng: random.Random, text: str) -> TurnScript:
    """A sentence that stops once or twice between two words, and sounds as if it went on, as it does."""
    parts = text.split()
    count = 2 if len(parts) >= 2 * _FEWEST_WORDS - 2 and rng.random() < 0.5 else 1
    places = sorted(rng.sample(range(2, len(parts)), count))
    return TurnScript("mid", (ScriptLine(text, tuple(Break.at(" ".join(parts[:at]), "mid", rng) for at in places)),))


def _hesitation(rng: random.Random, text: str) -> TurnScript:
    parts, filler = text.split(), rng.choice(FILLERS)
    at = rng.randint(0, len(parts) - 2) if filler == "let me see" else rng.randint(2, len(parts) - 2)
    before = f"{' '.join(parts[:at]).rstrip(',')}, {filler}," if at else f"{filler.capitalize()},"
    return TurnScript("hesitation", (_broken("hesitation", before, " ".join(parts[at:]), rng),))


def _conjunction(rng: random.Random, first: str, second: str) -> TurnScript:
    before = f"{first.rstrip('.?!')}, {rng.choice(CONJUNCTIONS)},"
    return TurnScript("conjunction", (_broken("conjunction", before, second[:1].lower() + second[1:], rng),))


def _broken(kind: str, before: str, rest: str, rng: random.Random) -> ScriptLine:
    return ScriptLine(f"{before} {rest}", (Break.at(before, kind, rng),))


def _groups(rng: random.Random, part: SetName) -> TurnScript:
    """Digits or letters in groups of two to four, with a pause after each."""
    letters = rng.random() < 0.35
    carrier = rng.choice((_SPELLERS if letters else _CARRIERS)[part])
    symbols = english_words.LETTERS if letters else ("zero", *english_words.ONES)
    groups = [" ".join(rng.choice(symbols) for _ in range(rng.randint(2, 4))) for _ in range(rng.randint(2, 4))]
    heads = [f"{carrier} {', '.join(groups[:count])}," for count in range(1, len(groups))]
    text = capitalise(f"{carrier} {', '.join(groups)}.")
    return TurnScript("groups", (ScriptLine(text, tuple(Break.at(head, "groups", rng) for head in heads)),))
