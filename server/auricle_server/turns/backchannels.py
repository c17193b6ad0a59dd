"""Whether a text is no more than a backchannel: "mm-hm", "okay", said to show that one listens. English only.

A text is one when nothing else is in it. Which of the words are more often a signal of listening than an answer was
set by hand after the dialogue acts of Jurafsky, Shriberg and Biasca (Switchboard SWBD-DAMSL, 1997), where "uh-huh" is
among the purest backchannels, and "yeah" and "okay" may be an answer as well.
"""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ELONGATED = re.compile(r"(.)\1{2,}")
"""A letter three times or more in a row: "hmmmm"."""
_MURMUR = re.compile(r"m+h+m+")
"""Spellings of "mm-hm" in one word differ in the number of their letters only."""
_LONGEST = 8
"""Words of the longest backchannel: "yeah, yeah, okay, I see"."""
_QUESTION = 0.4
"""Factor of a text that ends with a question mark: "okay?" wants an answer."""
_OTHER = 0.02
"""Probability of every other text."""
_DIGITS = 4

_CONTINUERS = "mhm|mm hm|mm hmm|m hm|m hmm|mm hmmm|hm hm|hmm hmm|uh huh|uhhuh|uhuh|umhum|um hum|um hm|mm|mmm"
_PHRASES: dict[str, float] = {
    **dict.fromkeys(_CONTINUERS.split("|"), 0.95),
    **dict.fromkeys("hm|hmm|ah|ahh|aha|ah ha|a ha|oh|ooh|huh|wow|i see|oh i see|ah i see".split("|"), 0.85),
    **dict.fromkeys("yeah|yea|yah|ya|yep|yup|right|okay|ok|o k|k|okey|alright|all right|gotcha|got it".split("|"), 0.7),
    **dict.fromkeys("sure|sure thing|really|exactly|true|cool|nice|great|good|fine|of course|indeed".split("|"), 0.5),
    **dict.fromkeys("absolutely|totally|definitely|i know|i understand|understood|interesting|lovely".split("|"), 0.5),
    **dict.fromkeys("yes|yes yes|that's right|that's true|makes sense|fair enough".split("|"), 0.4),
}
"""Phrases of lower-case words, and the probability that one of them alone is a backchannel."""
_NEGATIONS = frozenset({("uh", "uh"), ("mm", "mm"), ("hm", "mm")})
"""Two words that look like continuers and say no."""
_LEADS = frozenset({"oh", "ah", "well", "so"})
"""Words before a phrase that change nothing: "oh, right"."""
_MOST_WORDS = max(phrase.count(" ") + 1 for phrase in _PHRASES)


def backchannel_probability(text: str) -> float:
    """Probability, 0 to 1, that an English text is no more than a backchannel.

    Args:
        text: Of a segment or a turn, with or without punctuation.
    """
    words = [_spelling(word) for word in _WORD.findall(text.lower().replace("’", "'"))]
    if not words or len(words) > _LONGEST or _NEGATIONS.intersection(pairwise(words)):
        return _OTHER
    found = _phrases(words)
    if found is None:
        return _OTHER
    question = _QUESTION if text.rstrip().endswith("?") else 1.0
    return round(min(found) * question, _DIGITS)


def _spelling(word: str) -> str:
    """The spelling under which a word is listed."""
    return "mhm" if _MURMUR.fullmatch(word) else _ELONGATED.sub(r"\1\1", word)


def _phrases(words: list[str]) -> list[float] | None:
    """The probabilities of the phrases that the words are made of; None when a word belongs to none."""
    found: list[float] = []
    at = 0
    while at < len(words):
        for length in range(min(_MOST_WORDS, len(words) - at), 0, -1):
            phrase = _PHRASES.get(" ".join(words[at : at + length]))
            if phrase is not None:
                found.append(phrase)
                at += length
                break
        else:
            if words[at] not in _LEADS or at + 1 == len(words):
                return None
            at += 1
    return found or None


def is_english(language: str) -> bool:
    """Whether a language code, of any locale, is English; ``"auto"`` is not."""
    return language.partition("-")[0].lower() == "en"
