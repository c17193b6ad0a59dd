"""Sentences of text files, one in a line, as the recipe writes them: without digits, colons and shouting.

A file's name begins with its language: ``es.txt``, ``es.heldout.txt``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from demo_model.prompts import tagged
from demo_model.texts.sentences import Sentence, is_held_out

WORDS = 2, 22
GROUP = "text"
ENGLISH = "en-US"
LETTERS = {
    ENGLISH: "", "es-ES": "áéíóúüñÁÉÍÓÚÜÑ¿", "fr-FR": "éàèçœâêôîùïûëæÀÇÉÊÔÎÈÂŒÙÛ", "it-IT": "ùìèàòéÈÀÙÌÒÉ",
    "de-DE": "öüäßÖÜÄ",
}  # fmt: skip
"""The letters and marks of each language beside those of English."""
_WRITTEN = {language: re.compile(rf"[A-Za-z{letters} ',.?-]+") for language, letters in LETTERS.items()}
_SHOUTED = re.compile(r"\b(?:AND|NOT|OR|ALL|NO|VERY)\b")
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_COMPOUND = re.compile(rf"\b({_TENS})-(?=[a-z])", re.IGNORECASE)


def as_written(line: str, language: str = ENGLISH) -> str | None:
    """A line as training text, or None if it isn't any.

    Exclamations end with a full stop, because no ear hears the difference, and compound numbers have no hyphen in
    English, as in the recipe's own text.
    """
    text = " ".join(line.replace("!", ".").replace("¡", "").split())
    if language == ENGLISH:
        text = _COMPOUND.sub(r"\1 ", text)
    words = len(text.split())
    if not WORDS[0] <= words <= WORDS[1] or not _WRITTEN[language].fullmatch(text) or _SHOUTED.search(text):
        return None
    return text if text[-1] in ".?" and text.lstrip("¿")[:1].isupper() else None


def of_language(files: Iterable[Path], language: str) -> list[Path]:
    """Those of the text files whose name says that they are in a language."""
    return [file for file in files if file.name.split(".")[0] == language[:2]]


def read(files: list[Path], held_out: bool = False, language: str = ENGLISH) -> list[str]:
    """The distinct sentences of a language's text files, in a fixed random order.

    Of every file, the sentences whose hash says so are held out; of a file that has ``heldout`` in its name, all.
    """
    kept: dict[str, None] = {}
    for file in files:
        reserved = "heldout" in file.name
        for line in file.read_text("utf-8").splitlines():
            text = as_written(line, language)
            if text is not None and (reserved or is_held_out(Sentence(text, GROUP))) == held_out:
                kept[text] = None
    sentences = list(kept)
    random.Random(5).shuffle(sentences)
    return sentences


def by_language(files: list[Path], languages: Iterable[str]) -> dict[str, list[str]]:
    """The sentences to train on of each language."""
    return {language: read(of_language(files, language), language=language) for language in languages}


def with_tags(files: list[Path], languages: Sequence[str]) -> list[str]:
    """The sentences to train on; in a multilingual model with the tag of their language, as it writes them."""
    if not languages:
        return read(files)
    return [tagged(line, language) for language, own in by_language(files, languages).items() for line in own]
