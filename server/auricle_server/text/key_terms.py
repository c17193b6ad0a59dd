"""How key terms can be written, and which of them a model cannot write. No tensors."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from auricle_server.text.byte_pieces import byte_of, stand_in, with_bytes
from auricle_server.text.vocabulary import WORD_START, has_spaces


@lru_cache(maxsize=8)
def alphabet(pieces: tuple[str, ...]) -> frozenset[str]:
    """The characters that a model with these pieces can write in any context, and the stand-ins for its bytes."""
    spelled_bytes = (stand_in(byte) for byte in map(byte_of, pieces) if byte is not None)
    return frozenset((*(piece for piece in pieces if len(piece) == 1), *spelled_bytes))


def spellings(phrase: str, letters: frozenset[str]) -> tuple[str, ...]:
    """The texts in which a model may write a phrase: as given, in lower case, and with capitals.

    Args:
        phrase: As the user writes it.
        letters: From `alphabet`.

    Returns:
        Texts in which U+2581 stands before each word, as in a model's pieces; those with a character that the model
        cannot write are left out. A word of a script without spaces may also begin without it. Stand-ins replace the
        characters that a model with byte fallback has no piece for.
    """
    plain = " ".join(unicodedata.normalize("NFKC", phrase).split())
    words = plain.split(" ")
    cased = [plain, plain.lower(), plain[:1].upper() + plain[1:].lower(), " ".join(map(_capitalised, words))]
    cased += [text.replace("-", " ") for text in cased if "-" in text and "-" not in letters]
    marked = [WORD_START + " ".join(text.split()).replace(" ", WORD_START) for text in cased if text.strip()]
    marked += [text.removeprefix(WORD_START) for text in marked if not has_spaces(text[1])]
    texts = (text if letters.issuperset(text) else _with_bytes(text, letters) for text in marked)
    return tuple(dict.fromkeys(text for text in texts if letters.issuperset(text)))


def _with_bytes(text: str, letters: frozenset[str]) -> str:
    return WORD_START.join(with_bytes(word, letters) for word in text.split(WORD_START))


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


def unwritable(phrases: Iterable[str], pieces: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases that a model with these pieces cannot write in any way."""
    letters = alphabet(pieces)
    doubtful = (phrase for phrase in phrases if not phrase.strip() or not letters.issuperset(phrase.replace(" ", "")))
    return tuple(phrase for phrase in doubtful if not spellings(phrase, letters))
