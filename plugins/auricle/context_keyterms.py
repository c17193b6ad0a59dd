"""Key terms from a conversation: what its last messages name is what the speaker is likely to say next.

Pure, and no framework is imported: an adapter gives the texts of the messages, and sends the terms when they have
changed. Names are told by their capitals, so there are none in text of a script without capitals. Rare words are told
by what they are not: a common English word, or formed from one by a usual ending; so there are none in text of another
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from auricle.common_words import COMMON_WORDS

LONGEST_CHARACTERS = 100
"""The longest key term, which is also the longest that a server takes unless it was configured otherwise."""

_MOST_CHARACTERS = 20_000  # of the newest messages: 20 ms of work; a pasted book must not hold up the audio
_LONGEST_NAME = 4  # words; more capitals in a row are a heading
_SHORTEST_RARE = 7  # letters; most shorter words that a list of common ones lacks are common all the same

# What nobody says as it is written: code and tags, and words like addresses, identifiers and mark-up.
_CODE = re.compile(r"```.*?```|`[^`\n]{1,200}`|<[^<>]{1,200}>", re.DOTALL)
_WORD_MARKS = re.compile(r"://|www\.|[@_/\\=#|~^]")
# Letters, with apostrophes and hyphens between them ("O'Brien", "Jean-Luc"), and perhaps digits, which rule a word out.
_TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|\n|[^\w\s]+")
# No colon and no quotation mark: in data ("city": "Oslo") a name follows them.
_SENTENCE_ENDS = set(".!?;\u2026\n\u2013\u2014\u3002\uff01\uff1f\u00bf\u00a1*\u2022")
_POSSESSIVE = re.compile(r"['\u2019]s$")
_PARTICLES = set("al bin da de del den der di dos du el ibn la le of san ten ter van von zu".split())
_TITLES = set(
    """
    doctor doktor dr frau herr madame miss mister mme monsieur mr mrs ms mx prof professor señor señora signora sir
    """.split()
)
_GERMAN_ARTICLES = set(
    """
    das dem den der des deren dessen die diese diesem diesen dieser dieses ein eine einem einen einer eines ihr ihre
    ihrem ihren ihrer im am beim vom zum zur kein keine keinen mein meine meinem meinen meiner sein seine seinem seinen
    unser unsere unserem unseren jede jeden jeder jedes und oder mit ohne für
    """.split()
)
_ORDINARY_ENDINGS = re.compile(
    r".{3,}(?:ly|ing|ings|ed|tion|tions|sion|sions|ment|ments|ness|able|ible|ful|less|ance|ence|ency|ity|ities|ship"
    r"|ward|wards|ious|ical|ist|where|thing|body|self|selves|times|ally|ers|ists|isms|ures|ages)"
)
# Enough of them in a message, and it is English: these are written alike in few other languages.
_ENGLISH = set(
    "the and you your is are was to of for with this that have has it's i'm will would can please what how my".split()
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, or the marks between two."""

    text: str
    starts_sentence: bool

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum()

    @property
    def key(self) -> str:
        return self.text.lower().replace("\u2019", "'")

    @property
    def has_capital(self) -> bool:
        """Also inside, as in "iPhone"."""
        return self.text[0].isalpha() and self.text != self.text.lower()

    @property
    def is_title_case(self) -> bool:
        return self.text[1:] == self.text[1:].lower()


def context_keyterms(messages: Sequence[str], *, most: int) -> tuple[str, ...]:
    """The names and rare words of the last messages of a conversation, as key terms.

    Args:
        messages: Texts in the order in which they were said or written, the newest last, whoever said them.
        most: How many terms at most; those of older messages are left out first.

    Returns:
        Terms without digits of up to `LONGEST_CHARACTERS` characters, those of the newest message first, and of one
        message its names before its rare words. None appears twice, in whatever case.

    Raises:
        ValueError: `most` is negative.
    """
    if most < 0:
        raise ValueError(f"most: expected 0 or more terms, got {most}")
    texts = [list(_tokens(text)) for text in _newest(messages)]
    english = _is_english([token for tokens in texts for token in tokens])
    found: dict[str, str] = {}
    for tokens in texts:
        for term in _terms(tokens, english=english):
            if len(term) <= LONGEST_CHARACTERS:
                found.setdefault(term.casefold(), term)
    return tuple(found.values())[:most]


def with_context(keyterms: Sequence[str], context: Iterable[str], *, most: int) -> tuple[str, ...]:
    """A list of key terms for the server: all of the user's own first, then those of the conversation.

    Args:
        keyterms: The user's own.
        context: From `context_keyterms`.
        most: How many the list may have; only terms of the conversation are left out.
    """
    own = {term.casefold() for term in keyterms}
    space = max(0, most - len(keyterms))
    return (*keyterms, *[term for term in context if term.casefold() not in own][:space])


def _newest(messages: Sequence[str]) -> Iterator[str]:
    """What is said in the messages, the newest first."""
    left = _MOST_CHARACTERS
    for message in reversed(messages):
        yield _speakable(message[:left])
        left -= min(left, len(message))


def _speakable(text: str) -> str:
    # Word by word: a pattern for words with a mark in them takes quadratic time on a text without blanks.
    words = [" , " if _WORD_MARKS.search(word) else word for word in re.split(r"(\s+)", _CODE.sub(" , ", text))]
    # In a script without capitals nothing tells a name, and often no space tells where a word ends.
    return "".join(word if word.isascii() else "".join(map(_cased, word)) for word in words)


def _cased(letter: str) -> str:
    return "," if letter.isalpha() and letter.lower() == letter.upper() else letter


def _tokens(text: str) -> Iterator[_Token]:
    starts, previous = True, ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0].isalnum():
            yield _Token(_POSSESSIVE.sub("", token), starts)
            starts = False
        else:
            yield _Token(token, starts)
            starts |= bool(_SENTENCE_ENDS & set(token)) and not _is_abbreviated(previous, token)
        previous = token


def _is_abbreviated(word: str, mark: str) -> bool:
    """Whether a full stop after this word ends no sentence: "Dr. Nowak", "J. Nowak"."""
    return mark == "." and (word.lower() in _TITLES or len(word) == 1)


def _is_english(tokens: Sequence[_Token]) -> bool:
    words = [token.key for token in tokens if token.is_word]
    return 8 * sum(word in _ENGLISH for word in words) > len(words)


def _terms(tokens: Sequence[_Token], *, english: bool) -> Iterator[str]:
    words = [token for token in tokens if token.is_word]
    shouted = sum(word.text.isupper() and len(word.text) > 1 for word in words)
    # Of text in capitals, and of text that is all in small letters, these tell nothing.
    if shouted <= max(3, len(words) // 2):
        yield from _names(tokens, english=english)
    if english:
        yield from (word.text for word in words if not word.has_capital and _is_rare(word.key))


def _names(tokens: Sequence[_Token], *, english: bool) -> Iterator[str]:
    """Words with capitals in a row, with the particles between them ("Anna van der Berg")."""
    run: list[_Token] = []
    before = ""
    for index, token in enumerate(tokens):
        if run and _is_abbreviated(run[-1].text, token.text):
            continue
        continues = bool(run) and not token.starts_sentence
        particle = token.key in _PARTICLES and _precedes_name(tokens[index + 1 : index + 3])
        if (continues and (token.has_capital or particle)) or (token.has_capital and not run):
            run.append(token)
        else:
            yield from _name(run, before, english=english)
            run = [token] if token.has_capital else []
        if len(run) == 1:
            before = tokens[index - 1].text if index else ""
    yield from _name(run, before, english=english)


def _precedes_name(following: Sequence[_Token]) -> bool:
    names = [token for token in following if token.key not in _PARTICLES]
    return bool(names) and names[0].has_capital


def _name(run: Sequence[_Token], before: str, *, english: bool) -> Iterator[str]:
    words = list(run)
    # "Hello Anna", "Doctor Nowak": the first word of a sentence has a capital anyway, and titles help nobody.
    while words and (words[0].key in _TITLES or (words[0].starts_sentence and _is_ordinary(words[0].key))):
        before = words.pop(0).text
    while words and (words[-1].key in _PARTICLES or any(letter.isdigit() for letter in words[-1].text)):
        words.pop()
    if len(words) == 1:
        alone = words[0]
        # In other languages than English it is unknown whether the first word of a sentence is an ordinary one.
        unknown = not english and alone.is_title_case and alone.starts_sentence
        if unknown or _is_common(alone.key) or before.lower() in _GERMAN_ARTICLES:
            return
    name = " ".join(word.text for word in words).replace("\u2019", "'")
    if 0 < len(words) <= _LONGEST_NAME and len(name) > 1 and not any(letter.isdigit() for letter in name):
        yield name


def _is_ordinary(word: str) -> bool:
    return _is_common(word) or word in _PARTICLES or bool(_ORDINARY_ENDINGS.fullmatch(word))


def _is_common(word: str) -> bool:
    """Whether it is a common English word, or the usual form of one."""
    stems = {word, *(word.removesuffix(ending) for ending in ("s", "es", "d", "r", "er", "est"))}
    return not stems.isdisjoint(COMMON_WORDS) or word.removesuffix("ies") + "y" in COMMON_WORDS


def _is_rare(word: str) -> bool:
    parts = word.split("-")
    letters = "".join(parts)
    if len(letters) < _SHORTEST_RARE or not letters.isalpha():
        return False
    return not (any(map(_is_common, parts)) or _is_common(letters.removeprefix("re")) or _is_ordinary(letters))
