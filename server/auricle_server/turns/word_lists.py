"""What the last word says about the end of a turn: few turns end with "the", and digits come in rows.

English only. Some of these words mean something else in other languages (German "Fang an."), where they are not used.
"""

from __future__ import annotations

_ARTICLES_AND_PREPOSITIONS = "a an the my your our their his of to for with at from into about between"
_CONJUNCTIONS = "and or but because if when while than although unless until since"
_AUXILIARIES = "are was were be been does did has had will would can could should may might must very quite just"
_SUBJECTS = "i i'm i'd i'll i've we we're we'll you're he he's she she's they they're there's"
_FILLERS = "um un uh uhm er erm hmm"
UNFINISHED = frozenset(f"{_ARTICLES_AND_PREPOSITIONS} {_CONJUNCTIONS} {_AUXILIARIES} {_SUBJECTS} {_FILLERS}".split())
"""A sentence goes on after these."""
STARTERS = frozenset("so well".split())
"""A sentence goes on after these if it has only begun; "I think so" is complete."""
_NUMBERS = "zero oh one two three four five six seven eight nine double triple hundred thousand dash dot slash"
SPELLED = frozenset(_NUMBERS.split())
"""Parts of numbers and addresses that are read out; digits and single letters are as well."""
# "a" and "I" are words of their own in English, and no sign of a row.
_WORDS_OF_ONE_LETTER = frozenset("ai")


def is_unfinished(word: str) -> bool:
    """Whether a sentence seldom ends with this word, as the decoder has written it."""
    return word.lower() in UNFINISHED or (word[:1].isupper() and word.lower() in STARTERS)


def is_spelled(word: str) -> bool:
    """Whether the word may be one of a row that is read out."""
    word = word.lower()
    return word in SPELLED or word.isdigit() or (len(word) == 1 and word not in _WORDS_OF_ONE_LETTER)
