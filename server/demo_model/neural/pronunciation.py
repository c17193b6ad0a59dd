"""Pronunciations: phoneme strings of English text, by hibari's rules, and the phones of training for each of them."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from demo_model.audio.phones import SILENCE, Phone
from demo_model.audio.voices import SynthesiserMissingError
from demo_model.texts.sentences import spoken_form

PHONE_OF = {
    "A": "ey", "I": "ay", "O": "ow", "Q": "ow", "W": "aw", "Y": "oy", "ʤ": "jh", "ʧ": "ch", "ᵊ": "ax", "ə": "ax",
    "ɐ": "ax", "ʌ": "ah", "ɑ": "aa", "ɒ": "aa", "a": "ae", "æ": "ae", "ɛ": "eh", "e": "eh", "ɜ": "er", "ɪ": "ih",
    "ᵻ": "ih", "i": "iy", "u": "uw", "ʊ": "uh", "ɔ": "ao", "b": "b", "d": "d", "ð": "dh", "f": "f", "ɡ": "g", "h": "hh",
    "k": "k", "l": "l", "m": "m", "n": "n", "ŋ": "ng", "p": "p", "ɹ": "r", "s": "s", "ʃ": "sh", "t": "t", "T": "t",
    "ɾ": "t", "θ": "th", "v": "v", "w": "w", "j": "y", "z": "z", "ʒ": "zh", "o": "ow",
}  # fmt: skip
"""The recipe's phone of each phoneme; marks of stress and length and spaces have none."""
PUNCTUATION = frozenset('.,!?;:—…"()“”')


@cache
def _rules(british: bool) -> Any:
    if find_spec("hibari") is None:
        raise SynthesiserMissingError("hibari is missing: pip install hibari-tts")
    from hibari.g2p import G2P

    return G2P(british=british)


def phonemes(text: str, british: bool = False) -> str:
    """The phonemes of a sentence, one character each, with stress marks, spaces and punctuation."""
    return str(_rules(british)(spoken_form(text)))


def timed(characters: str, seconds: list[float], english: bool = True) -> list[Phone]:
    """Phones of a phoneme string from the seconds that each of its characters lasts.

    Marks of stress and length belong to the phone that they stand beside; spaces have no phone. Those of other
    languages have no names: the recipe's phones are English.
    """
    names = PHONE_OF if english else {}
    phones: list[Phone] = []
    at, waiting = 0.0, 0.0
    for character, lasts in zip(characters, seconds, strict=True):
        end = at + lasts
        if character in "ˈˌ":
            waiting += lasts
        elif character == "ː" and phones:
            phones[-1] = Phone(phones[-1].name, phones[-1].start, end)
        else:
            name = SILENCE if character in PUNCTUATION else names.get(character)
            phones.append(Phone(name, at - waiting, end))
            waiting = 0.0
        at = end
    return phones
