"""Tokens to words, segments and text: incremental and append-only, each token looked at once.

A segment is what one `Final` will carry. Times are samples at 16 kHz, because whole numbers compare exactly.

What counts as speech: any piece that is more than punctuation. Punctuation belongs to the word before it and moves no
word's end, so that a late full stop neither prolongs a turn nor opens a segment: marks that close a phrase are dropped
while their segment is still empty, for they belong to the segment before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from auricle.protocol.server_messages import Word
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.stream.flush_dedup import FlushDedup
from auricle_server.stream.language_tracker import SpokenWord, TagTracker
from auricle_server.text.calibration import RAW, WordCalibration, word_times
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
    """What was said between two cuts.

    Attributes:
        text: Empty when nothing was said; otherwise the words joined by spaces.
        words: With times in seconds.
        start: First word's start in samples; None when nothing was said.
        end: Last word's end in samples; None when nothing was said.
        confidence: Expected share of the words that are right; None when nothing was said.
        said: The words' languages: of one that no tag has named yet, that of the last tag.
    """

    text: str
    words: tuple[Word, ...]
    start: int | None
    end: int | None
    confidence: float | None = None
    said: tuple[SpokenWord, ...] = ()


class Transcript:
    """The open segment of one stream.

    Args:
        pieces: Token strings by id.
        frame_samples: Length of an encoder frame in samples.
        calibration: Makes word times and confidences of frames and tokens.
        latency_ms: The latency setting, which may change.
        tags: Those of a transcript that this one continues.

    Attributes:
        tags: The language tags among the words.
        latency_ms: In force; words that wait for their final take it, too.
        told: Where the last word ended that a segment has told, in seconds: no later one starts before.
        speech_end: End of the last word's last frame, in samples, whatever its segment; None before the first word.
            Turns count from here, whatever the calibration.
        closing: The marks behind the last word, whatever its segment; empty while there are none.
        closed_at: Where the last of them was emitted, in samples; None while there are none.
        utterance_ended: Whether the model has emitted an end of utterance behind the last word.
        last_word: The last word without the marks behind it, whatever its segment; empty before the first.
        confidence: Probability of the last token of a word.
    """

    def __init__(
        self,
        pieces: tuple[str, ...],
        frame_samples: int,
        calibration: WordCalibration = RAW,
        latency_ms: int = 0,
        tags: TagTracker | None = None,
    ) -> None:
        self.tags = tags or TagTracker()
        self._pieces = vocabulary(pieces)
        self._calibration = calibration
        self.latency_ms = latency_ms
        self.told = 0.0
        self._frame_samples = frame_samples
        self._echo = FlushDedup(self._pieces)
        self._words: list[_OpenWord] = []
        self._text = ""
        self._heard = False
        self._space = self._parted = False
        self.speech_end: int | None = None
        self.closing = ""
        self.closed_at: int | None = None
        self.utterance_ended = False
        self.last_word = ""
        self.confidence = 1.0

    @property
    def text(self) -> str:
        """The open segment so far; it only grows until the next `cut`. Empty while nothing but marks has come."""
        return self._text if self._heard else ""

    @property
    def start(self) -> int | None:
        """Where the open segment's first word starts, in samples; None while nothing was said."""
        return _samples(self._times(self._words[:1])[0][0]) if self._heard else None

    def end(self, position: int) -> int | None:
        """Where the last word ends as far as it is known at `position`, both in samples; None before the first."""
        if not self._heard:
            return self.speech_end
        return _samples(self._times(self._words[-1:], position)[0][1])

    @property
    def last_start(self) -> int:
        """Where the open segment's last word starts, in samples; 0 while nothing was said."""
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
        """Takes what one chunk brought.

        Args:
            tokens: Token ids.
            frames: Absolute encoder frame of each token's emission.
            probabilities: Of each token, 0 to 1.
            flushed_at: Encoder frame at which a flush ended the stream for this chunk: its tokens will come again. None
                for a whole chunk.
            confidences: Of each token, by entropy; None where there is no better measure than the probabilities.
        """
        found = list(zip(tokens, frames, probabilities, confidences or probabilities, strict=True))
        if flushed_at is not None:
            said = self._echo.said(tokens, frames, flushed_at)
            tokens, frames, found = tokens[:said], frames[:said], found[:said]
        for token, frame, probability, confidence in self._echo.new(found):
            piece = self._pieces[token]
            if piece.kind is PieceKind.LANGUAGE:
                self._tag(piece, frame)
            elif piece.kind is PieceKind.SPACE:
                self._space = True
            elif piece.kind is PieceKind.END:
                self.utterance_ended = True
            elif piece.kind is not PieceKind.CONTROL:
                self._add(piece, frame, probability, confidence)
        if flushed_at is not None:
            self._echo.reported(tokens, frames, flushed_at)

    def _tag(self, piece: Piece, frame: int) -> None:
        """A language tag: it goes without a trace in the text, with the space around it, but not the words apart."""
        self._parted |= self._space or piece.starts_word or bool(self.closing)
        self._space = False
        if self.tags.tag(piece.text, frame):
            for word in reversed(self._words):
                if word.language is not None:
                    break
                word.language = piece.text

    def _add(self, piece: Piece, frame: int, probability: float, confidence: float) -> None:
        gap = piece.starts_word or self._space or (self._parted and piece.continues)
        self._space = False
        if piece.kind is PieceKind.CLOSING:
            self.closing += piece.text
            self.closed_at = (frame + 1) * self._frame_samples
            self._close_phrase(piece, gap=gap)
            return
        self._parted = False
        if gap or not self._words:
            self._text += f" {piece.text}" if self._words else piece.text
            self._words.append(_OpenWord(piece.text, frame, frame, [confidence], self.tags.word(frame)))
        else:
            self._text += piece.text
            self._extend(self._words[-1], piece, frame, confidence)
        if piece.kind is PieceKind.SPEECH:
            self._heard, self.closing, self.closed_at, self.utterance_ended = True, "", None, False
            self.last_word, self.confidence = self._words[-1].text, probability
            self.speech_end = (frame + 1) * self._frame_samples

    def _close_phrase(self, piece: Piece, *, gap: bool) -> None:
        if not self._words:
            return
        mark = f" {piece.text}" if gap else piece.text
        self._text += mark
        self._words[-1].text += mark

    @staticmethod
    def _extend(word: _OpenWord, piece: Piece, frame: int, confidence: float) -> None:
        word.text += piece.text
        if piece.kind is PieceKind.SPEECH:
            word.last = frame
            word.confidences.append(confidence)

    def cut(self, position: int | None = None) -> Segment:
        """Ends the open segment, of which no word ends behind `position` (in samples), and begins the next."""
        text, words = self.text, self._words if self._heard else []
        self._words, self._text, self._heard, self._space, self._parted = [], "", False, False, False
        if not words:
            return Segment(text, (), None, None)
        times = self._times(words, position)
        told = tuple(map(self._word, words, times))
        self.told = max(self.told, times[-1][1])
        said = tuple(map(self._said, words, times))
        confidence = sum(word.confidence for word in told) / len(told)
        start, end = _samples(times[0][0]), _samples(times[-1][1])
        return Segment(text, told, start, end, round(confidence, 4), said)

    def _said(self, word: _OpenWord, times: tuple[float, float]) -> SpokenWord:
        return SpokenWord(_samples(times[0]), _samples(times[1]), word.language or self.tags.language)

    def _times(self, words: Sequence[_OpenWord], position: int | None = None) -> list[tuple[float, float]]:
        frame = self._frame_samples / SAMPLE_RATE
        frames = [(word.first * frame, (word.last + 1) * frame) for word in words]
        ends = math.inf if position is None else position / SAMPLE_RATE
        return word_times(frames, self._calibration.timing(self.latency_ms), self.told, ends)

    def _word(self, word: _OpenWord, times: tuple[float, float]) -> Word:
        return Word(
            text=word.text,
            start=round(times[0], 4),
            end=round(times[1], 4),
            confidence=round(self._calibration.word(word.confidences), 4),
        )


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
