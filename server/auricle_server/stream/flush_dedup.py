"""What a flush has reported already, as it comes again.

A flush decodes the stream as if it ended there, on a copy of its state; then the stream goes on from before, so that
not one later word depends on whether somebody asked. What lay behind the last whole chunk is therefore decoded twice:
for the flush, and with what follows. The second version is dropped here, token by token, as far as it says what the
final has said. Where both differ, a word of one stands for a word of the other: so nothing is doubled, and as no word
is dropped without a counterpart, nothing is lost. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from auricle_server.text.vocabulary import Piece, PieceKind

WINDOW = 3
"""Encoder frames by which two versions of a token may lie apart, and behind a flush those within which a different word
may be another version of a reported one. A word is emitted up to two frames after its end; the first word after a pause
comes one to three frames after its start."""
LATE = 7
"""Encoder frames behind a flush within which a piece that goes on with a word belongs to a reported one; by twice as
many may such a piece come later than it was reported."""
IN_A_ROW = 2
"""Encoder frames behind a dropped token within which a piece that goes on with a word belongs to it."""

PAUSE = 6
"""Encoder frames without a token of a word, behind which a word that begins at a flush, after the end of a sentence,
was imagined: the step from noise to perfect silence sounds like one now and then. If it was said, it comes again."""

Token = TypeVar("Token", bound=tuple[Any, ...])
"""Token id, absolute emission frame, and whatever else is known of the token."""


class FlushDedup:
    """Drops the second version of what flushes have reported.

    Args:
        pieces: The model's pieces by token id.
    """

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self._pieces = pieces
        self._expected: deque[tuple[int, int]] = deque()
        """Reported tokens and their frames."""
        self._flushed_at = -1
        self._word_at = -1
        """Frame of the last token of a word."""
        self._closed = False
        """Whether a mark that closes a phrase has come behind it."""
        self._dropped_at = -1
        """Frame of the last token that has come again."""
        self._space = False
        """Whether the token before was a space, which many vocabularies have besides the mark of a word's start."""
        self._listening = False
        """Whether nothing new has come since the flush."""

    def reported(self, tokens: Sequence[int], frames: Sequence[int], flushed_at: int) -> None:
        """A flush at encoder frame `flushed_at` has brought `tokens`, emitted at `frames`; they will come again.

        One that finds no audio since the flush before brings none: it leaves what that one has brought.
        """
        if tokens or flushed_at != self._flushed_at:
            self._expected = deque(zip(tokens, frames, strict=True))
            self._flushed_at, self._listening = flushed_at, True

    def said(self, tokens: Sequence[int], frames: Sequence[int], flushed_at: int) -> int:
        """How many of the first tokens that a flush at encoder frame `flushed_at` has brought were said."""
        word_at, closed = self._word_at, self._closed
        for count, (token, frame) in enumerate(zip(tokens, frames, strict=True)):
            kind = self._pieces[token].kind
            if kind is PieceKind.SPEECH:
                if closed and frame >= max(flushed_at, word_at + PAUSE):
                    return count
                word_at = frame
            closed = kind is PieceKind.CLOSING or (closed and kind is not PieceKind.SPEECH)
        return len(tokens)

    def new(self, tokens: Iterable[Token]) -> Iterator[Token]:
        """Those of the tokens that have not been reported."""
        for found in tokens:
            token, frame = found[:2]
            piece = self._pieces[token]
            if not self._listening or not self._is_echo(token, piece, frame):
                yield found
            self._space = piece.kind is PieceKind.SPACE
            if piece.kind is PieceKind.SPEECH:
                self._word_at = frame
            self._closed = piece.kind is PieceKind.CLOSING or (self._closed and piece.kind is not PieceKind.SPEECH)

    def _is_echo(self, token: int, piece: Piece, frame: int) -> bool:
        if piece.kind is PieceKind.LANGUAGE:
            return self._consume_tag()
        rest = piece.continues and not self._space
        if self._consume(token, frame, 2 * LATE if rest else WINDOW):
            self._dropped_at = frame
            return True
        if piece.kind is not PieceKind.SPEECH:
            return piece.kind is PieceKind.CLOSING
        if rest and frame < max(self._flushed_at + LATE, self._dropped_at + IN_A_ROW):
            return True
        if frame < self._flushed_at + WINDOW and self._replace_word():
            return True
        self._listening = False
        return False

    def _consume(self, token: int, frame: int, window: int) -> bool:
        """Takes the token, and what is expected before it, off the list; False when it is not expected around then."""
        for index, (expected, at) in enumerate(self._expected):
            if token == expected and abs(frame - at) <= window:
                for _ in range(index + 1):
                    self._expected.popleft()
                return True
        return False

    def _consume_tag(self) -> bool:
        """Takes the expected tag off the list, whatever it says; False when none is expected before the next word."""
        for index, (token, _) in enumerate(self._expected):
            kind = self._pieces[token].kind
            if kind is PieceKind.LANGUAGE:
                for _ in range(index + 1):
                    self._expected.popleft()
                return True
            if kind is PieceKind.SPEECH:
                return False
        return False

    def _replace_word(self) -> bool:
        """Takes the next expected word off the list, in place of which another one has come; False if there is none."""
        begun = False
        while self._expected:
            piece = self._pieces[self._expected[0][0]]
            if begun and (piece.starts_word or piece.kind is PieceKind.SPACE):
                break
            begun = begun or piece.kind is PieceKind.SPEECH
            self._expected.popleft()
        return begun
