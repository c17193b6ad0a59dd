"""Word errors and named languages, counted over many talks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from auricle.protocol.server_messages import Final
from auricle_server.bench.transcripts import word_errors
from demo_model.texts.sentences import normalise


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation."""
    return normalise(text).split()


@dataclass
class LanguageTally:
    """Of one language at one setting.

    Attributes:
        talks: How many.
        words: Said.
        errors: Words changed, left out or put in.
        named: Talks whose last final carries the language that was spoken.
        named_after: Seconds of audio from the start of the language to the first event that carries it.
    """

    talks: int = 0
    words: int = 0
    errors: int = 0
    named: int = 0
    named_after: list[float] = field(default_factory=list)

    def add(self, said: str, finals: Sequence[Final], code: str, named_after: float | None) -> None:
        """What was heard of one talk, or of the part of it that is in one language."""
        heard, reference = words(" ".join(final.text for final in finals)), words(said)
        self.talks += 1
        self.words += len(reference)
        self.errors += word_errors(reference, heard)
        self.named += bool(finals) and finals[-1].language == code
        self.named_after += [] if named_after is None else [named_after]

    def figures(self) -> dict[str, float]:
        """For the report; shares in percent."""
        after = sorted(self.named_after)
        return {
            "talks": self.talks,
            "words": self.words,
            "errors": self.errors,
            "wer_percent": 100 * self.errors / max(1, self.words),
            "named_percent": 100 * self.named / max(1, self.talks),
            "named_after_p50": after[len(after) // 2] if after else 0.0,
        }


def joined(tallies: Sequence[LanguageTally]) -> LanguageTally:
    """All of them as one."""
    total = LanguageTally()
    for tally in tallies:
        total.talks += tally.talks
        total.words += tally.words
        total.errors += tally.errors
        total.named += tally.named
        total.named_after += tally.named_after
    return total
