"""Turns tokens into words, segments and text: incremental and append-only, each token is read once.

A segment is what one `Final` will carry. Times are samples at 16 kHz, because whole numbers compare exactly.

Every piece that is more than punctuation is speech. Punctuation belongs to the word before it and does not move its
end, so that a late full stop neither prolongs a turn nor opens a segment: marks that close a phrase are dropped while
their segment is still empty, as they belong to the segment before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from auricle.protocol.server_messages import Word
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.stream.flush_dedup import FlushDedup
from auricle_server.stream.hold_back import HoldBack, QuietRuns
from auricle_server.stream.language_tracker import SpokenWord, TagTracker
from auricle_server.stream.spelled_tags import SpelledTags
from auricle_server.text.byte_pieces import Token, ids_and_frames
from auricle_server.text.calibration import RAW, WordCalibration, word_times
from auricle_server.text.closing_marks import with_mark
from auricle_server.text.vocabulary import Piece, PieceKind, vocabulary


@dataclass(slots=True)
class _OpenWord:
    """A word that may still grow. Frames are the emission frames of its first and its last token."""

    text: str
    first: int
    last: int
    confidences: list[float]
    language: str | None


@dataclass(frozen=True, slots=True)
class Segment:
    """The words between two cuts.

    Attributes:
        text: The words joined by spaces; empty without words.
        words: With times in seconds.
        start: First word's start in samples; None without words.
        end: Last word's end in samples; None without words.
        confidence: Expected share of the words that are right; None without words.
        languages: The languages of the words; a word that no tag has named yet has that of the last tag.
    """

    text: str
    words: tuple[Word, ...]
    start: int | None
    end: int | None
    confidence: float | None = None
    languages: tuple[SpokenWord, ...] = ()


class Transcript:
    """The open segment of one stream.

    Args:
        pieces: Token strings by id.
        frame_samples: Length of an encoder frame in samples.
        calibration: Makes word times and confidences of frames and tokens.
        latency_ms: The latency setting, which may change.
        tags: The tags of the transcript that this one continues.
        quiet: Where the voice was low; None holds no word back.
        doubtful: Confidence below which words without voice are held back.

    Attributes:
        held_back: The words that are held back; None holds none back.
        tags: The language tags among the words.
        latency_ms: In force; it holds for words that wait for their final, too.
        last_word_end: End of the last word of the last segment, in seconds: no later word starts before it.
        speech_end: End of the last word's last frame, in samples, whatever its segment; None before the first word.
            Turns count from here, whatever the calibration.
        closing: The punctuation after the last word, whatever its segment; empty while there is none.
        closed_at: Where the last of it was emitted, in samples; None while there is none.
        utterance_ended: Whether the model has emitted an end of utterance after the last word.
        last_word: The last word without the punctuation after it, whatever its segment; empty before the first.
        confidence: Probability of the last token of a word.
    """

    def __init__(
        self,
        pieces: tuple[str, ...],
        frame_samples: int,
        calibration: WordCalibration = RAW,
        latency_ms: int = 0,
        tags: TagTracker | None = None,
        quiet: QuietRuns | None = None,
        doubtful: float = 0.0,
    ) -> None:
        self.tags = tags or TagTracker()
        self._pieces = vocabulary(pieces)
        self._calibration = calibration
        self.latency_ms = latency_ms
        self.last_word_end = 0.0
        self._frame_samples = frame_samples
        self._bytes, self._dedup = self._pieces.joiner(), FlushDedup(self._pieces)
        self._spelled_tags = SpelledTags(self._pieces)
        self.held_back = None if quiet is None else HoldBack(quiet, self._pieces, calibration.word, doubtful)
        self._words: list[_OpenWord] = []
        self._text = ""
        self._has_speech = False
        self._space = self._tag_between = False
        self.speech_end: int | None = None
        self.closing = ""
        self.closed_at: int | None = None
        self.utterance_ended = False
        self.last_word = ""
        self.confidence = 1.0

    @property
    def text(self) -> str:
        """The open segment so far, empty while only punctuation has come.

        Until the next `cut` it only grows, but that a full stop may take the place of a comma at its end.
        """
        return self._text if self._has_speech else ""

    @property
    def start(self) -> int | None:
        """Where the open segment's first word starts, in samples; None without words."""
        return _samples(self._times(self._words[:1])[0][0]) if self._has_speech else None

    def end(self, position: int) -> int | None:
        """Where the last word ends as far as is known at `position`, both in samples; None before the first word."""
        if not self._has_speech:
            return self.speech_end
        return _samples(self._times(self._words[-1:], position)[0][1])

    def words(self, position: int) -> tuple[Word, ...]:
        """The open segment's words as far as they are known at `position`, in samples; empty without words."""
        return tuple(map(self._word, self._words, self._times(self._words, position))) if self._has_speech else ()

    @property
    def last_start(self) -> int:
        """Where the open segment's last word starts, in samples; 0 without words."""
        return _samples(self._times(self._words[-1:])[0][0]) if self._words else 0

    def add(
        self,
        tokens: Sequence[int],
        frames: Sequence[int],
        probabilities: Sequence[float],
        flushed_at: int | None = None,
        *,
        confidences: Sequence[float] | None = None,
    ) -> None:
        """Adds the tokens of one chunk.

        Args:
            tokens: Token ids.
            frames: Absolute encoder frame of each token's emission.
            probabilities: Of each token, 0 to 1.
            flushed_at: Encoder frame at which a flush ended the stream for this chunk: the decoder emits its tokens
                again with the next chunk. None for a whole chunk.
            confidences: Of each token, by entropy; by default the probabilities.
        """
        given = zip(tokens, frames, probabilities, confidences or probabilities, strict=True)
        rows = self._bytes.joined(given, flushed=flushed_at is not None)
        if flushed_at is not None:
            rows = rows[: self._dedup.count_spoken(*ids_and_frames(rows), flushed_at)]
        new: Iterable[Token] = self._dedup.new(rows)
        self._take(new if self.held_back is None else self.held_back.passed(new))
        if flushed_at is not None:
            self._dedup.expect(*ids_and_frames(rows), flushed_at)

    def decide_held_back(self, frame: int | None = None) -> None:
        """Takes or drops the word that is held back: if it is complete by `frame`, or at once without one."""
        if self.held_back is not None:
            self._take(self.held_back.decided() if frame is None else self.held_back.after(frame))

    def _take(self, tokens: Iterable[Token]) -> None:
        for piece, frame, probability, confidence in self._spelled_tags.pieces(tokens):
            if piece.kind is PieceKind.LANGUAGE:
                self._tag(piece, frame)
            elif piece.kind is PieceKind.SPACE:
                self._space = True
            elif piece.kind is PieceKind.END:
                self.utterance_ended = True
            elif piece.kind is not PieceKind.CONTROL:
                self._add(piece, frame, probability, confidence)

    def _tag(self, piece: Piece, frame: int) -> None:
        """Takes a language tag: it leaves the text with the space around it; the words beside it stay two words."""
        self._tag_between |= self._space or piece.starts_word or bool(self.closing)
        self._space = False
        if self.tags.tag(piece.text, frame):
            for word in reversed(self._words):
                if word.language is not None:
                    break
                word.language = piece.text

    def _add(self, piece: Piece, frame: int, probability: float, confidence: float) -> None:
        gap = piece.starts_word or self._space or (self._tag_between and piece.continues)
        self._space = False
        if piece.kind is PieceKind.CLOSING:
            self.closing = with_mark(self.closing, piece.text)
            self.closed_at = (frame + 1) * self._frame_samples
            self._close_phrase(piece, gap=gap)
            return
        self._tag_between = False
        if gap or not self._words:
            self._text += f" {piece.text}" if self._words else piece.text
            self._words.append(_OpenWord(piece.text, frame, frame, [confidence], self.tags.word(frame)))
        else:
            self._text += piece.text
            self._extend(self._words[-1], piece, frame, confidence)
        if piece.kind is PieceKind.SPEECH:
            self._has_speech, self.closing, self.closed_at, self.utterance_ended = True, "", None, False
            self.last_word, self.confidence = self._words[-1].text, probability
            self.speech_end = (frame + 1) * self._frame_samples

    def _close_phrase(self, piece: Piece, *, gap: bool) -> None:
        if not self._words:
            return
        word = self._words[-1]
        closed = with_mark(word.text, piece.text, " " if gap else "")
        self._text = self._text.removesuffix(word.text) + closed
        word.text = closed

    @staticmethod
    def _extend(word: _OpenWord, piece: Piece, frame: int, confidence: float) -> None:
        word.text += piece.text
        if piece.kind is PieceKind.SPEECH:
            word.last = frame
            word.confidences.append(confidence)

    def split(self, pause: int, since: int = 0) -> int | None:
        """A position between two words of the open segment, in samples; None while it has fewer than two.

        Where somebody speaks on, what a decoder hears from there on must begin with a whole word: this is the last
        pause of at least `pause` samples, or the longest; of those from `since` on, where there are any.
        """
        times = self._times(self._words) if self._has_speech else []
        gaps = [(_samples(after[0] - before[1]), before[1], after[0]) for before, after in pairwise(times)]
        gaps = [gap for gap in gaps if _samples(gap[2]) > since] or gaps
        if not gaps:
            return None
        longest = max(min(gap, pause) for gap, *_ in gaps)
        _, end, start = next(gap for gap in reversed(gaps) if min(gap[0], pause) == longest)
        return _samples((end + start) / 2)

    def cut(self, position: int | None = None, border: int | None = None, *, keep: bool = False) -> Segment:
        """Ends the open segment, and begins the next.

        Args:
            position: No word ends after it, in samples.
            border: Words that start there or later are dropped: the decoder hears them again, see `split`.
            keep: Whether these begin the next segment instead.
        """
        self.decide_held_back()
        text, words, kept = self.text, self._words if self._has_speech else [], list[_OpenWord]()
        if border is not None and words:
            starts = [_samples(start) for start, _ in self._times(words)]
            first = next((index for index, start in enumerate(starts) if start >= border), len(words))
            words, kept = words[:first], words[first:] if keep else []
            text = _joined(words)
        self._words, self._text, self._has_speech = kept, _joined(kept), any(map(str.isalnum, _joined(kept)))
        if not kept:
            self._space = self._tag_between = False
        if not words:
            return Segment(text, (), None, None)
        times = self._times(words, position)
        final = tuple(map(self._word, words, times))
        self.last_word_end = max(self.last_word_end, times[-1][1])
        languages = tuple(map(self._spoken, words, times))
        confidence = sum(word.confidence for word in final) / len(final)
        start, end = _samples(times[0][0]), _samples(times[-1][1])
        return Segment(text, final, start, end, round(confidence, 4), languages)

    def _spoken(self, word: _OpenWord, times: tuple[float, float]) -> SpokenWord:
        return SpokenWord(_samples(times[0]), _samples(times[1]), word.language or self.tags.language)

    def _times(self, words: Sequence[_OpenWord], position: int | None = None) -> list[tuple[float, float]]:
        frame = self._frame_samples / SAMPLE_RATE
        frames = [(word.first * frame, (word.last + 1) * frame) for word in words]
        ends = math.inf if position is None else position / SAMPLE_RATE
        return word_times(frames, self._calibration.timing(self.latency_ms), self.last_word_end, ends)

    def _word(self, word: _OpenWord, times: tuple[float, float]) -> Word:
        return Word(
            text=word.text,
            start=round(times[0], 4),
            end=round(times[1], 4),
            confidence=round(self._calibration.word(word.confidences), 4),
        )


def _joined(words: Iterable[_OpenWord]) -> str:
    return " ".join(word.text for word in words)


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
