"""Puts words of a client's choice in the place of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from auricle_server.text.closing_marks import CLOSING, with_mark
from auricle_server.text.formatting.spoken_text import FormattedWord

_ALL_CLOSING = "".join(sorted(CLOSING))


class Replacements:
    """Finds phrases, whatever their case and the marks around them.

    Args:
        pairs: What is searched for, and what is written in its place; empty removes it. Of two phrases that begin
            with the same word the longer one counts.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for search, replacement in pairs:
            phrase = tuple(_plain(word) for word in search.split())
            if phrase and all(phrase):
                self._by_first.setdefault(phrase[0], []).append((phrase, replacement))
        for phrases in self._by_first.values():
            phrases.sort(key=lambda each: -len(each[0]))

    def __bool__(self) -> bool:
        return bool(self._by_first)

    def applied(self, words: Sequence[str]) -> tuple[list[FormattedWord], frozenset[int]]:
        """The words with the replacements among them, and the indices of the latter in this list."""
        plain = [_plain(word) for word in words]
        found: list[FormattedWord] = []
        replaced: set[int] = set()
        at = 0
        while at < len(words):
            match = self._match(plain, at)
            if match is None:
                found.append(FormattedWord(words[at], at, at + 1))
                at += 1
                continue
            past, replacement = match
            _replace(found, replaced, words, FormattedWord(replacement, at, past))
            at = past
        return found, frozenset(replaced)

    def _match(self, plain: Sequence[str], at: int) -> tuple[int, str] | None:
        for phrase, replacement in self._by_first.get(plain[at], ()):
            if tuple(plain[at : at + len(phrase)]) == phrase:
                return at + len(phrase), replacement
        return None


def _replace(found: list[FormattedWord], replaced: set[int], words: Sequence[str], new: FormattedWord) -> None:
    """Appends the words of a replacement; the mark after the phrase stays, where there is a word to carry it."""
    last = words[new.past - 1]
    mark = last[len(last.rstrip(_ALL_CLOSING)) :]
    texts = new.text.split()
    if not texts:
        if found and mark:
            found[-1] = found[-1]._replace(text=with_mark(found[-1].text, mark))
        return
    texts[-1] = with_mark(texts[-1], mark) if mark else texts[-1]
    # Of more words than were said, the last ones share the last one's time.
    for place, text in enumerate(texts):
        replaced.add(len(found))
        first = min(new.first + place, new.past - 1)
        past = new.past if place == len(texts) - 1 else min(first + 1, new.past)
        found.append(FormattedWord(text, first, past))


def _plain(word: str) -> str:
    return word.strip(_EDGES).lower()


_EDGES = _ALL_CLOSING + '"“‘([{¿¡-–—'
