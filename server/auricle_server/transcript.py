"""Tokens to words, segments and text: incremental and append-only, each token looked at once.

A segment is what one `Final` will carry. Times are samples at 16 kHz, because whole numbers compare exactly.

What counts as speech: any piece that is more than punctuation. Punctuation belongs to the word before it and moves no
word's end, so that a late full stop neither prolongs a turn nor opens a segment: marks that close a phrase are dropped
while their segment is still empty, for they belong to the segment before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auricle.protocol.messages import Word
from auricle_server.echo import Echo
from auricle_server.link.messages import SAMPLE_RATE
from auricle_server.pieces import Kind, Piece, vocabulary


@dataclass(slots=True)
class _OpenWord:
    """A word that may still grow. Frames are the emission frames of its first and its last token."""

    text: str
    first: int
    last: int
    probability: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said between two cuts.

    Attributes:
        text: Empty when nothing was said; otherwise the words joined by spaces.
        words: With times in seconds.
        start: First word's start in samples; None when nothing was said.
        end: Last word's end in samples; None when nothing was said.
    """

    text: str
    words: tuple[Word, ...]
    start: int | None
    end: int | None


class Transcript:
    """The open segment of one stream.

    Args:
        pieces: Token strings by id.
        frame_samples: Length of an encoder frame in samples.

    Attributes:
        language: Code of the last language tag that the model emitted, None before the first.
        speech_end: Where the last word ended, in samples, whatever its segment; None before the first word.
        closing: The marks behind the last word, whatever its segment; empty while there are none.
        closed_at: Where the last of them was emitted, in samples; None while there are none.
        utterance_ended: Whether the model has emitted an end of utterance behind the last word.
        last_word: The last word without the marks behind it, whatever its segment; empty before the first.
        confidence: Probability of the last token of a word.
    """

    def __init__(self, pieces: tuple[str, ...], frame_samples: int) -> None:
        self._pieces = vocabulary(pieces)
        self._frame_samples = frame_samples
        self._echo = Echo(self._pieces)
        self._words: list[_OpenWord] = []
        self._text = ""
        self._heard = False
        self._space = False
        self.language: str | None = None
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
        return self._words[0].first * self._frame_samples if self._heard else None

    def kind(self, token: int) -> Kind:
        """What a token is."""
        return self._pieces[token].kind

    def add(
        self,
        tokens: Sequence[int],
        frames: Sequence[int],
        probabilities: Sequence[float],
        flushed_at: int | None = None,
    ) -> None:
        """Takes what one chunk brought.

        Args:
            tokens: Token ids.
            frames: Absolute encoder frame of each token's emission.
            probabilities: Of each token, 0 to 1.
            flushed_at: Encoder frame at which a flush ended the stream for this chunk: its tokens will come again. None
                for a whole chunk.
        """
        if flushed_at is not None:
            said = self._echo.said(tokens, frames, flushed_at)
            tokens, frames, probabilities = tokens[:said], frames[:said], probabilities[:said]
        for token, frame, probability in self._echo.new(zip(tokens, frames, probabilities, strict=True)):
            piece = self._pieces[token]
            if piece.kind is Kind.LANGUAGE:
                self.language = piece.text
            elif piece.kind is Kind.SPACE:
                self._space = True
            elif piece.kind is Kind.END:
                self.utterance_ended = True
            elif piece.kind is not Kind.CONTROL:
                self._add(piece, frame, probability)
        if flushed_at is not None:
            self._echo.reported(tokens, frames, flushed_at)

    def _add(self, piece: Piece, frame: int, probability: float) -> None:
        gap = piece.starts_word or self._space
        self._space = False
        if piece.kind is Kind.CLOSING:
            self.closing += piece.text
            self.closed_at = (frame + 1) * self._frame_samples
            self._close_phrase(piece, gap=gap)
            return
        if gap or not self._words:
            self._text += f" {piece.text}" if self._words else piece.text
            self._words.append(_OpenWord(piece.text, frame, frame, probability, 1))
        else:
            self._text += piece.text
            self._extend(self._words[-1], piece, frame, probability)
        if piece.kind is Kind.SPEECH:
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
    def _extend(word: _OpenWord, piece: Piece, frame: int, probability: float) -> None:
        word.text += piece.text
        if piece.kind is Kind.SPEECH:
            word.last = frame
            word.probability += probability
            word.tokens += 1

    def cut(self) -> Segment:
        """Ends the open segment and begins the next."""
        start, text, words = self.start, self.text, self._words if self._heard else []
        self._words, self._text, self._heard, self._space = [], "", False, False
        end = (words[-1].last + 1) * self._frame_samples if words else None
        return Segment(text, tuple(map(self._word, words)), start, end)

    def _word(self, word: _OpenWord) -> Word:
        return Word(
            text=word.text,
            start=word.first * self._frame_samples / SAMPLE_RATE,
            end=(word.last + 1) * self._frame_samples / SAMPLE_RATE,
            confidence=round(word.probability / word.tokens, 4),
        )
