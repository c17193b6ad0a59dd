"""How key terms can be written, and which of them a model cannot write. No tensors."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from auricle_server.text.vocabulary import WORD_START, has_spaces


@lru_cache(maxsize=8)
def alphabet(pieces: tuple[str, ...]) -> frozenset[str]:
    """The characters that a model with these pieces can write in any context."""
    return frozenset(piece for piece in pieces if len(piece) == 1)


def spellings(phrase: str, letters: frozenset[str]) -> tuple[str, ...]:
    """The texts in which a model may write a phrase: as given, in lower case, and with capitals.

    Args:
        phrase: As the user writes it.
        letters: From `alphabet`.

    Returns:
        Texts in which U+2581 stands before each word, as in a model's pieces; those with a character that the model
        cannot write are left out. A word of a script without spaces may also begin without it.
    """
    plain = " ".join(unicodedata.normalize("NFKC", phrase).split())
    words = plain.split(" ")
    cased = [plain, plain.lower(), plain[:1].upper() + plain[1:].lower(), " ".join(map(_capitalised, words))]
    cased += [text.replace("-", " ") for text in cased if "-" in text and "-" not in letters]
    marked = [WORD_START + " ".join(text.split()).replace(" ", WORD_START) for text in cased if text.strip()]
    marked += [text.removeprefix(WORD_START) for text in marked if not has_spaces(text[1])]
    return tuple(dict.fromkeys(text for text in marked if letters.issuperset(text)))


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


def unwritable(phrases: Iterable[str], pieces: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases that a model with these pieces cannot write in any way."""
    letters = alphabet(pieces)
    doubtful = (phrase for phrase in phrases if not phrase.strip() or not letters.issuperset(phrase.replace(" ", "")))
    return tuple(phrase for phrase in doubtful if not spellings(phrase, letters))
