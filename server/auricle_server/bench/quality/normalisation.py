"""Texts as they are compared: without case, punctuation and the ways of writing that no listener hears."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

_UNSPACED = frozenset("zh yue ja th lo km my".split())
"""Languages that are written without spaces: their words are compared letter by letter, as Whisper's paper does."""


def is_unspaced(language: str | None) -> bool:
    """Whether a language, by its BCP-47 code, is written without spaces between words."""
    return _primary(language) in _UNSPACED


def comparable_words(text: str, language: str | None) -> list[str]:
    """The words of a text as the error rates count them.

    English is normalised as in Whisper's paper (appendix C): numbers as digits, contractions written out, British
    spelling as American, hesitations left out. Other languages lose case, punctuation, symbols, and what stands in
    brackets; marks that change a letter stay. In languages without spaces every letter is a word.

    Args:
        text: As written or recognised.
        language: BCP-47 code; None for an unknown language.
    """
    normalised: str = _normaliser(_primary(language))(text)
    return normalised.split()


def characters(words: Sequence[str], language: str | None) -> str:
    """The text of some comparable words as the character error rate counts it: with one space between words."""
    return ("" if is_unspaced(language) else " ").join(words)


def _primary(language: str | None) -> str:
    return (language or "").replace("_", "-").partition("-")[0].lower()


@cache
def _normaliser(language: str) -> EnglishTextNormalizer | BasicTextNormalizer:
    if language == "en":
        return EnglishTextNormalizer()
    # Without `preserve_marks` the vowel signs of Hindi and the tone marks of Thai would become spaces.
    return BasicTextNormalizer(split_letters=language in _UNSPACED, preserve_marks=True)
