"""Masks profane words of English."""

from __future__ import annotations

from typing import Final

_STEMS: Final = "arsehole asshole bastard bitch bollock cock cocksucker cunt dick dickhead fuck motherfuck shit wank"
_ENDINGS: Final = ("", "s", "es", "ed", "er", "ers", "in", "in'", "ing", "y")
_OTHERS: Final = (
    "arse ass asses bullshit bullshitting dumbass jackass faggot faggots fag fags nigga niggas nigger niggers piss "
    "pissed pissing prick pricks pussy pussies retard retarded retards shat shithead shitty shitting slut sluts "
    "slutty twat twats whore whores clusterfuck fuckup goddamn goddamned horseshit"
)
PROFANE: Final = frozenset(stem + ending for stem in _STEMS.split() for ending in _ENDINGS) - {
    # Words of another sense.
    "cocked", "cocker", "cockers", "cocky", "dicky", "dickey",
} | frozenset(_OTHERS.split())  # fmt: skip
"""Words in lower case."""


def masked(word: str) -> str:
    """The word with asterisks after its first letter where it is profane; otherwise as it is.

    Args:
        word: With the marks around it, in any case.
    """
    bare = word.strip(_MARKS)
    plain = bare.lower().removesuffix("'s").removesuffix("’s")
    if plain not in PROFANE:
        return word
    return word.replace(bare, bare[0] + "*" * (len(plain) - 1) + bare[len(plain) :], 1)


_MARKS: Final = '.,;:?!…"“”‘()[]{}-–—'
