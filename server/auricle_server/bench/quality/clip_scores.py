"""What became of one recording's words. Does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import jiwer

from auricle.protocol.languages import AUTO
from auricle_server.bench.quality.normalisation import characters, comparable_words
from auricle_server.bench.quality.recognisers.interface import Recognised, RecognitionSetting
from auricle_server.bench.quality.recordings import Recording, SpeechSpan
from auricle_server.bench.quality.speech_spans import SpeechSource, is_inside, is_silent
from auricle_server.text.alignment import AlignedPair, align

_CLOSING = tuple(".?!。？！؟।…")
_CLOSING_QUOTES = "\"'”’»)]"


@dataclass(frozen=True)
class EvaluatedClip:
    """A recording, and what is known of it before anything recognises it.

    Attributes:
        recording: The recording.
        seconds: Its length.
        source: How it is known where somebody speaks.
        speech: Where somebody speaks, in order.
    """

    recording: Recording
    seconds: float
    source: SpeechSource
    speech: tuple[SpeechSpan, ...]

    @property
    def speech_end(self) -> float | None:
        """Seconds up to the end of the last word; None where it is not known."""
        return self.speech[-1].end if self.speech else None


@dataclass(frozen=True)
class ClipScore:
    """One recording under one setting of one recogniser.

    Attributes:
        clip: The recording.
        language: Code of the language by which its text is normalised; None for an unknown one.
        setting: How it was streamed.
        found: What was recognised.
    """

    clip: EvaluatedClip
    language: str | None
    setting: RecognitionSetting
    found: Recognised

    @cached_property
    def reference(self) -> list[str]:
        """Words of the reference, as they are compared."""
        return comparable_words(self.clip.recording.text, self.language)

    @cached_property
    def hypothesis(self) -> list[str]:
        """Recognised words, as they are compared."""
        return comparable_words(self.found.text, self.language)

    @cached_property
    def pairs(self) -> list[AlignedPair]:
        """The alignment of the two."""
        return align(self.reference, self.hypothesis)

    @property
    def deletions(self) -> int:
        """Words of the reference that are missing."""
        return sum(pair.hypothesis is None for pair in self.pairs)

    @property
    def insertions(self) -> int:
        """Recognised words that were not said."""
        return sum(pair.reference is None for pair in self.pairs)

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return sum(not pair.equal for pair in self.pairs)

    @property
    def character_count(self) -> int:
        """Characters of the reference, with one space between words."""
        return len(characters(self.reference, self.language))

    @cached_property
    def character_errors(self) -> int:
        """Characters substituted, left out or put in."""
        said, heard = (characters(words, self.language) for words in (self.reference, self.hypothesis))
        done = jiwer.process_characters(said, heard)
        return int(done.substitutions + done.deletions + done.insertions)

    @property
    def is_empty(self) -> bool:
        """Whether something was said and nothing recognised."""
        return bool(self.reference) and not self.hypothesis

    @property
    def lost_at_start(self) -> int:
        """Deleted words before the first right one; 0 where no word is right."""
        return _lost(self.pairs)

    @property
    def lost_at_end(self) -> int:
        """Deleted words after the last right one; 0 where no word is right."""
        return _lost(self.pairs[::-1])

    @property
    def first_word_right(self) -> bool:
        """Whether the first word of the reference is right."""
        return any(pair.equal and pair.reference == 0 for pair in self.pairs)

    @property
    def last_word_right(self) -> bool:
        """Whether the last word of the reference is right."""
        return any(pair.equal and pair.reference == len(self.reference) - 1 for pair in self.pairs)

    @cached_property
    def words_in_silence(self) -> int | None:
        """Recognised words that were not said, at times at which nobody speaks; None where that is not known."""
        if self.clip.source is SpeechSource.UNKNOWN:
            return None
        if self.clip.source is SpeechSource.EMPTY:
            return len(self.hypothesis)
        words = [word for segment in self.found.segments for word in segment.words]
        if self.found.segments and not words:
            return None
        said = comparable_words(self.clip.recording.text, None)
        # The words as they came have times; the words as they are compared may be several of them or a part of one.
        heard = [(part, word) for word in words for part in comparable_words(word.text, None)]
        pairs = align(said, [part for part, _ in heard])
        inserted = [pair.hypothesis for pair in pairs if pair.reference is None and pair.hypothesis is not None]
        places = {(word.start, word.end) for _, word in (heard[index] for index in inserted)}
        return sum(is_silent(start, end, self.clip.speech) for start, end in places)

    @property
    def has_closing_mark(self) -> bool:
        """Whether the reference ends with a sentence's mark."""
        return _closing_mark(self.clip.recording.text) is not None

    @property
    def is_closed(self) -> bool:
        """Whether the transcript ends with a sentence's mark."""
        return _closing_mark(self.found.text) is not None

    @property
    def final_after_speech(self) -> float | None:
        """Seconds from the end of speech to the last final with text; None where either is not known."""
        if self.clip.speech_end is None or not self.found.segments or not self.setting.realtime:
            return None
        return self.found.segments[-1].arrived - self.clip.speech_end

    @property
    def turn_end_after_speech(self) -> float | None:
        """Seconds of audio from the end of speech to the first end of turn after it; None without one."""
        end = self.clip.speech_end
        if end is None:
            return None
        return next((decided - end for decided in self.found.turn_ends if decided >= end), None)

    @property
    def early_turn_ends(self) -> tuple[int, int]:
        """Ends of turns after which somebody speaks on, and those of them that fall into speech itself."""
        end = self.clip.speech_end
        early = [decided for decided in self.found.turn_ends if end is not None and decided < end]
        return len(early), sum(is_inside(decided, self.clip.speech) for decided in early)

    @property
    def language_right(self) -> bool | None:
        """Whether the last final names the language of the manifest; None where the recogniser was told it."""
        named = self.clip.recording.language
        if self.setting.language != AUTO or named is None or not self.found.segments:
            return None
        found = self.found.segments[-1].language
        return found is not None and found.partition("-")[0].lower() == named.partition("-")[0].lower()


def _lost(pairs: Sequence[AlignedPair]) -> int:
    """Deletions before the first right word."""
    lost = 0
    for pair in pairs:
        if pair.equal:
            return lost
        lost += pair.hypothesis is None
    return 0


def _closing_mark(text: str) -> str | None:
    last = text.rstrip().rstrip(_CLOSING_QUOTES).rstrip()[-1:]
    return last if last in _CLOSING else None
