"""What of a transcript may stand in logs and traces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from auricle_server.telemetry.settings import EMAILS, FULL, KEYTERMS, NUMBERS, OFF, SPELLED, TelemetryConfig
from auricle_server.text.spoken_numbers import LARGE_SCALES, NUMBER_WORDS, ORDINALS, REPEATS
from auricle_server.turns.spelled_letters import CLEAR_NAMES, SPELLING_WORDS, UNCLEAR_NAMES

MOST_CHARACTERS = 1000
"""Of a transcript in a log line or in an attribute of a span; the rest is cut."""
_NUMBERS_OF_OTHERS = """
    null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig vierzig fünfzig sechzig siebzig
    achtzig neunzig hundert tausend un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze
    seize vingt trente quarante cinquante soixante cent mille cero uno dos tres cuatro cinco seis siete ocho nueve diez
    once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento mil
    due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta quaranta cinquanta sessanta settanta
    ottanta novanta cento mille um dois três quatro sete oito dez vinte trinta quarenta cinquenta oitenta cem
""".split()
"""Number words of German, French, Spanish, Italian and Portuguese, beside those of English."""
_NUMBER_WORDS = frozenset({*NUMBER_WORDS, *LARGE_SCALES, *ORDINALS, *REPEATS, *_NUMBERS_OF_OTHERS, "oh"})
_GLUED = re.compile(r"(?:[a-zäöüß]*(?:zig|zehn|hundert|tausend)[a-zäöüß]*|venti[a-zé]+|veinti[a-zé]+)", re.IGNORECASE)
"""Numbers that are written as one word: "fünfundzwanzig", "ventitré"."""
_LETTERS = frozenset({*SPELLING_WORDS, *CLEAR_NAMES})
_LEAST_LETTERS = 2
"""Letters in a row that count as spelled: one alone is a word, as in "plan B"."""
_PART = r"[^\W_]+"
_DOT = r"(?:dot|point|punkt|punto|ponto|underscore|dash|hyphen|minus)"
_AT = r"(?:at|arroba|chiocciola|arobase|ät)"
_EMAIL = re.compile(r"[^\s@<>(),;]+@[^\s@<>(),;]+")
# A part never holds a separator, so that no text makes the search try one reading after the other.
_SPOKEN_EMAIL = re.compile(
    rf"(?:{_PART}(?:\s+{_DOT}\s+|[._'-]))*{_PART}\s+{_AT}\s+(?:{_PART}\s+){{0,3}}?{_PART}(?:\s+{_DOT}\s+{_PART})+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*\.?")
_SPELLED_WORD = re.compile(r"[^\W\d_](?:[-.][^\W\d_])+\.?")
"""A word that is spelled with hyphens or full stops: "J-O-H-N"."""


def redact(text: str, kinds: Sequence[str], keyterms: Iterable[str] = ()) -> str:
    """A transcript with what it may not show replaced by names in brackets.

    It rather replaces too much than too little: every word with a digit and every number word goes, whatever it counts.

    Args:
        text: Of a final or a turn.
        kinds: Of `telemetry.settings.REDACTIONS`.
        keyterms: Phrases that the client has asked the model to favour: names of people and accounts, often.
    """
    if KEYTERMS in kinds and (pattern := _keyterm_pattern(tuple(keyterms))) is not None:
        text = pattern.sub("[keyterm]", text)
    if EMAILS in kinds:
        text = _SPOKEN_EMAIL.sub("[email]", _EMAIL.sub("[email]", text))
    if SPELLED in kinds:
        text = _replace_rows(text, _letters, "[spelled]", _LEAST_LETTERS)
    if NUMBERS in kinds:
        text = _replace_rows(text, _numbers, "[number]", 1)
    return text


@lru_cache(maxsize=64)  # a stream's list is the same for all its finals
def _keyterm_pattern(keyterms: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds the phrases, the longest first; None for none."""
    phrases = sorted((r"\s+".join(map(re.escape, term.split())) for term in keyterms), key=len, reverse=True)
    named = [phrase for phrase in phrases if phrase]
    return re.compile(rf"(?<!\w)(?:{'|'.join(named)})(?:['’]s)?(?!\w)", re.IGNORECASE) if named else None


def _letters(word: str) -> int | None:
    """How many letters a word spells; 0 for what may be the name of one, None for what is none."""
    plain = word.rstrip(".").lower()
    if _SPELLED_WORD.fullmatch(word):
        return sum(map(str.isalpha, word))
    if (len(plain) == 1 and plain.isalpha()) or plain in _LETTERS:
        return 1
    return 0 if plain in UNCLEAR_NAMES else None


def _numbers(word: str) -> int | None:
    """1 for a number, None for what is none."""
    plain = word.rstrip(".").lower()
    number = any(map(str.isdigit, plain)) or _GLUED.fullmatch(plain) or _NUMBER_WORDS & set(plain.split("-"))
    return 1 if number else None


def _replace_rows(text: str, count: Callable[[str], int | None], name: str, least: int) -> str:
    """Replaces each row of words that count, and what lies between them, where they count enough together."""
    written, copied = "", 0
    row: list[re.Match[str]] = []
    for match in [*_WORD.finditer(text), None]:
        if match is not None and count(match[0]) is not None:
            row.append(match)
            continue
        if row and sum(count(each[0]) or 0 for each in row) >= least:
            written += text[copied : row[0].start()] + name
            copied = row[-1].end()
        row = []
    return written + text[copied:]


class ContentPolicy:
    """Says what of a transcript may be written.

    Args:
        config: Of the server.
    """

    def __init__(self, config: TelemetryConfig) -> None:
        self._mode = config.log_content
        self._kinds = config.log_redact

    @property
    def allows(self) -> bool:
        """Whether anything may be written."""
        return self._mode != OFF

    def text(self, text: str, keyterms: Iterable[str] = ()) -> str | None:
        """What may be written of a transcript; None for nothing."""
        if self._mode == OFF:
            return None
        written = text if self._mode == FULL else redact(text, self._kinds, keyterms)
        return written if len(written) <= MOST_CHARACTERS else written[:MOST_CHARACTERS] + "..."
