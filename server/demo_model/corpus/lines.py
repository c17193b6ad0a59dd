"""Sentences of text files, one in a line, as the recipe writes them: without digits, colons and shouting."""

from __future__ import annotations

import random
import re
from pathlib import Path

from demo_model.texts.sentences import Sentence, is_held_out

WORDS = 2, 22
GROUP = "text"
_WRITTEN = re.compile(r"[A-Za-z ',.?-]+")
_SHOUTED = re.compile(r"\b(?:AND|NOT|OR|ALL|NO|VERY)\b")
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_COMPOUND = re.compile(rf"\b({_TENS})-(?=[a-z])", re.IGNORECASE)


def as_written(line: str) -> str | None:
    """A line as training text, or None if it isn't any.

    Exclamations end with a full stop, because no ear hears the difference, and compound numbers have no hyphen, as in
    the recipe's own text.
    """
    text = _COMPOUND.sub(r"\1 ", " ".join(line.replace("!", ".").split()))
    words = len(text.split())
    if not WORDS[0] <= words <= WORDS[1] or not _WRITTEN.fullmatch(text) or _SHOUTED.search(text):
        return None
    return text if text[-1] in ".?" and text[0].isupper() else None


def read(files: list[Path], held_out: bool = False) -> list[str]:
    """The distinct sentences of text files, in a fixed random order.

    Of every file, the sentences whose hash says so are held out; of a file that has ``heldout`` in its name, all.
    """
    kept: dict[str, None] = {}
    for file in files:
        reserved = "heldout" in file.name
        for line in file.read_text("utf-8").splitlines():
            text = as_written(line)
            if text is not None and (reserved or is_held_out(Sentence(text, GROUP))) == held_out:
                kept[text] = None
    sentences = list(kept)
    random.Random(5).shuffle(sentences)
    return sentences
