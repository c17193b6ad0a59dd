"""Captions that can be read: what is shown, in how many lines, and for how long.

The limits are those that guidelines for subtitles share (for instance the BBC's, and Netflix's for English): two lines
of 42 characters, seven seconds, 20 characters a second, and a break where a sentence or a phrase ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.protocol.server_messages import Final

CUE_LINE = 42
CUE_CHARACTERS = 2 * CUE_LINE
CUE_SECONDS = 7.0
CUE_CHARACTERS_PER_SECOND = 20
CUE_PAUSE_SECONDS = 1.0
"""A pause from which on a caption does not stay."""

_PHRASE_PAUSE_SECONDS = 0.3
_SENTENCE_MARKS = tuple(".?!…。！？؟।")
_PHRASE_MARKS = tuple(",;:،、，；：–—")
_CLOSING = "\"'”’»)]"
_ABBREVIATIONS = set("mr. mrs. ms. dr. prof. st. vs. no. e.g. i.e. z.b. bzw. ca.".split())
_BEGIN_PHRASES = set(
    """
    and but or so because that which who when where while if than as although though unless until since
    for with from into about after before between through to in on at by of
    """.split()
)
_NEVER_LAST = set("a an the my your his her its our their this that of to in on at by for with from and or but".split())


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: a text that is shown from `start` to `end`, seconds."""

    start: float
    end: float
    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The text in one or two lines of at most `CUE_LINE` characters, the break after a phrase if there is one."""
        words = self.text.split(" ")
        if len(self.text) <= CUE_LINE or len(words) == 1:
            return (self.text,)
        halves = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
        return min(halves, key=_line_cost)


@dataclass(frozen=True, slots=True)
class CueWord:
    """A word, or a part of one that is longer than a line, at its time in seconds."""

    text: str
    start: float
    end: float


def cues_of(segments: Sequence[Final]) -> Iterator[Cue]:
    """Splits segments into captions that keep the limits and never overlap.

    Speech faster than `CUE_CHARACTERS_PER_SECOND` is shown longer than it lasts, so that captions may come late until
    the next pause.
    """
    words = [part for segment in segments for word in _words_of(segment) for part in _parts(word)]
    earliest = 0
    for group in _groups(words):
        text = " ".join(word.text for word in group)
        # In milliseconds, as they are written: rounding afterwards could break a limit.
        start = max(round(group[0].start * 1000), earliest)
        readable = math.ceil(len(text) * 1000 / CUE_CHARACTERS_PER_SECOND)
        end = min(max(round(group[-1].end * 1000), start + readable), start + round(CUE_SECONDS * 1000))
        yield Cue(start / 1000, end / 1000, text)
        earliest = end


def _words_of(segment: Final) -> list[CueWord]:
    if segment.words:
        return [CueWord(word.text, word.start, word.end) for word in segment.words]
    whole = CueWord(segment.text, segment.start, segment.end)
    return _spread(whole, segment.text.split())


def _parts(word: CueWord) -> list[CueWord]:
    """A word without a space that is longer than a line, as some languages write sentences, in parts."""
    return _spread(word, [word.text[at : at + CUE_LINE] for at in range(0, len(word.text), CUE_LINE)])


def _spread(whole: CueWord, texts: Sequence[str]) -> list[CueWord]:
    """Texts that follow each other, each at its share of the time."""
    total, done, parts = max(1, sum(map(len, texts))), 0, []
    for text in texts:
        start, end = (whole.start + (whole.end - whole.start) * at / total for at in (done, done + len(text)))
        parts.append(CueWord(text, start, end))
        done += len(text)
    return parts


def _groups(words: Sequence[CueWord]) -> Iterator[Sequence[CueWord]]:
    """The cheapest way to cut the words into captions (see `_cost`), by the shortest path through all cuts."""
    costs = [0.0, *[math.inf] * len(words)]
    origins = [0] * (len(words) + 1)
    for first in range(len(words)):
        for last in _ends(words, first):
            cost = costs[first] + _cost(words, first, last)
            if cost < costs[last + 1]:
                costs[last + 1], origins[last + 1] = cost, first
    cuts = [len(words)]
    while cuts[-1]:
        cuts.append(origins[cuts[-1]])
    cuts.reverse()
    yield from (words[start:end] for start, end in pairwise(cuts))


def _ends(words: Sequence[CueWord], first: int) -> Iterator[int]:
    """The words with which a caption may end that begins with the word `first`."""
    lines = [0, 0]
    for last in range(first, len(words)):
        word = words[last]
        long_pause = last > first and word.start - words[last - 1].end > CUE_PAUSE_SECONDS
        too_long = last > first and word.end - words[first].start > CUE_SECONDS
        line = 0 if not lines[1] and lines[0] + len(word.text) <= CUE_LINE else 1
        lines[line] += len(word.text) + 1
        if long_pause or too_long or lines[1] > CUE_LINE + 1 or sum(lines) > CUE_CHARACTERS + 1:
            return
        yield last


def _cost(words: Sequence[CueWord], first: int, last: int) -> float:
    """What is wrong with a caption: where it ends, sentences that end within it, and too little time to read it."""
    cost = 3.0 + _cost_within(words[first : last + 1])
    start, characters = words[first].start, sum(len(word.text) + 1 for word in words[first : last + 1])
    if last + 1 < len(words):
        following = words[last + 1]
        paused = following.start - words[last].end >= _PHRASE_PAUSE_SECONDS
        cost += min(_break_cost(words[last].text, following.text), 2.0 if paused else math.inf)
        missing = characters / CUE_CHARACTERS_PER_SECOND - (following.start - start)
        cost += 10.0 * max(0.0, missing)
    return cost


def _cost_within(words: Sequence[CueWord]) -> float:
    """Two short sentences are a caption if each has its line, or both are on one; otherwise each has its own."""
    sentences = sum(_ends_sentence(word.text) for word in words[:-1])
    if not sentences:
        return 0.0
    first, *second = Cue(0.0, 0.0, " ".join(word.text for word in words)).lines
    return sentences * (2.0 if not second or _ends_sentence(first.rpartition(" ")[2]) else 4.0)


def _break_cost(before: str, after: str) -> float:
    if _ends_sentence(before):
        return 0.0
    if before.rstrip(_CLOSING).endswith(_PHRASE_MARKS):
        return 2.0
    if before.lower() in _NEVER_LAST:
        return 12.0
    return 4.0 if after.lower() in _BEGIN_PHRASES else 8.0


def _ends_sentence(word: str) -> bool:
    bare = word.rstrip(_CLOSING)
    initial = len(bare) == 2 and bare[0].isupper()
    return bare.endswith(_SENTENCE_MARKS) and not initial and bare.lower() not in _ABBREVIATIONS


def _line_cost(halves: tuple[str, str]) -> float:
    first, second = halves
    too_long = max(0, len(first) - CUE_LINE) + max(0, len(second) - CUE_LINE)
    before, after = first.rpartition(" ")[2], second.partition(" ")[0]
    return 1000.0 * too_long + 3.0 * _break_cost(before, after) + abs(len(first) - len(second))
