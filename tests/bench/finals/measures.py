"""What finalizes do to words: cut transcripts against the transcript of the same stream without cuts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from auricle_server.bench.transcripts import word_errors
from auricle_server.stream.transcript import Segment

CLOSING = tuple(".,?!;:…")
SENTENCE_ENDS = tuple(".?!")


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation."""
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


@dataclass
class CutTally:
    """Counts over many finalizes.

    Attributes:
        finals: Answers to finalizes.
        lost: Words of the uncut stream that the cut one lacks, in the segment where they belong.
        doubled: Words that only the cut stream has.
        changed: Words in place of which the cut stream has another one.
        split: Words that the uncut stream wrote across the pause, as one; the cut one has their two parts.
        leaked: Segments that begin with a mark which closes a phrase.
        unclosed: Finals with words that do not end with a sentence's mark.
        reference_words: Words that were said.
        errors: Word errors of the cut stream against what was said.
        uncut_errors: The same without cuts.
        examples: Where something was lost, doubled or changed: uncut, cut.
    """

    finals: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    split: int = 0
    leaked: int = 0
    unclosed: int = 0
    reference_words: int = 0
    errors: int = 0
    uncut_errors: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, said: str, uncut: Segment, cut: Sequence[Segment], borders: Sequence[float]) -> None:
        """One talk: what was said, what was heard without cuts and with them, and where a word begins the next segment.

        Args:
            said: All of it.
            uncut: The one segment without cuts.
            cut: The segments, one more than cuts.
            borders: Seconds, one for each cut: a word emitted from there on belongs behind it.
        """
        reference, joined = words(said), words(" ".join(segment.text for segment in cut))
        self.reference_words += len(reference)
        self.errors += word_errors(reference, joined)
        self.uncut_errors += word_errors(reference, words(uncut.text))
        self.finals += len(borders)
        self.leaked += sum(segment.text.startswith(CLOSING) for segment in cut)
        self.unclosed += sum(bool(s.text) and not s.text.endswith(SENTENCE_ENDS) for s in cut[: len(borders)])
        expected, found = split(uncut, borders), [words(segment.text) for segment in cut]
        spoken = [(wanted, got) for wanted, got in zip(expected, found, strict=True) if wanted or got]
        for (before, got), (after, got_next) in itertools.pairwise(spoken):
            self._split_word(before, after, got, got_next)
        for wanted, got in zip(expected, found, strict=True):
            self._compare(wanted, got)

    def _split_word(self, before: list[str], after: list[str], found: list[str], next_found: list[str]) -> None:
        """Splits an expected word as the cut stream has split it; a letter may differ where it was glued."""
        if not (before and found and next_found) or before[-1] == found[-1]:
            return
        if word_errors(list(before[-1]), list(found[-1] + next_found[0])) <= 1:
            before[-1] = found[-1]
            after.insert(0, next_found[0])
            self.split += 1

    def _compare(self, expected: list[str], found: list[str]) -> None:
        for kind, a, b, c, d in SequenceMatcher(None, expected, found, autojunk=False).get_opcodes():
            if kind == "equal" or "".join(expected[a:b]) == "".join(found[c:d]):
                continue
            paired = min(b - a, d - c)
            self.changed += paired
            self.lost += b - a - paired
            self.doubled += d - c - paired
            self.examples.append((" ".join(expected[max(0, a - 2) : b + 2]), " ".join(found[max(0, c - 2) : d + 2])))


def split(uncut: Segment, borders: Sequence[float]) -> list[list[str]]:
    """The words of a stream without cuts by the segments in which a perfect cut would put them."""
    parts: list[list[str]] = [[] for _ in range(len(borders) + 1)]
    for word in uncut.words:
        parts[sum(word.start >= border for border in borders)] += words(word.text)
    return parts
