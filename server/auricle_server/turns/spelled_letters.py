"""Letters as people spell them out in English: their names, and the words that explain them. Pure."""

from __future__ import annotations

_ALPHABET = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo"
    " sierra tango uniform victor whiskey xray yankee zulu"
)
SPELLING_WORDS = {word: word[0].upper() for word in _ALPHABET.split()} | {
    "alfa": "A",
    "juliet": "J",
    "whisky": "W",
    "x-ray": "X",
}
"""The radiotelephony spelling alphabet (ICAO, Annex 10, volume II), in its usual spellings."""

CLEAR_NAMES = {
    **dict.fromkeys(("aitch", "haitch"), "H"),
    **dict.fromkeys(("zed", "zee"), "Z"),
    **dict.fromkeys(("ef", "eff"), "F"),
    **dict.fromkeys(("el", "ell"), "L"),
    **dict.fromkeys(("doubleu", "doubleyou"), "W"),
    "cee": "C",
    "dee": "D",
    "ess": "S",
    "tee": "T",
    "vee": "V",
    "wye": "Y",
    "jay": "J",
    "kay": "K",
}
"""Names of letters that are hardly ever another word."""

UNCLEAR_NAMES = {
    "bee": "B",
    "be": "B",
    "see": "C",
    "sea": "C",
    "gee": "G",
    "eye": "I",
    "em": "M",
    "en": "N",
    "oh": "O",
    "pee": "P",
    "pea": "P",
    "cue": "Q",
    "queue": "Q",
    "ar": "R",
    "are": "R",
    "tea": "T",
    "you": "U",
    "ex": "X",
    "why": "Y",
}
"""Names of letters that are other words, too: they count in a row of letters only."""

EXPLAINING = frozenset({"as in", "as", "for", "like", "is for", "wie", "comme", "como", "come"})
"""What stands between a letter and the word that explains it, in several languages."""
