"""Drops the tokens that a flush has brought already when the decoder emits them again. Pure.

A flush decodes the stream as if it ended there, on a copy of its state; then the stream goes on from its state before,
so that no later word depends on the flush. The audio after the last whole chunk is therefore decoded twice: for the
flush, and with what follows. The second version is dropped here, token by token, as far as it repeats the first. Where
both differ, a word of one stands for a word of the other: nothing is doubled, and as no word is dropped without a
counterpart, nothing is lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from auricle_server.text.vocabulary import Piece, PieceKind, Vocabulary

WINDOW = 3
"""Encoder frames by which two versions of a token may lie apart, and after a flush those within which a different word
may be another version of a word of the flush. A word is emitted up to two frames after its end; the first word after a
pause comes one to three frames after its start."""
LATE = 7
"""Encoder frames after a flush within which a piece that continues a word belongs to a word of the flush; such a piece
may come up to twice as many frames later than in the flush."""
IN_A_ROW = 2
"""Encoder frames after a dropped token within which a piece that continues a word belongs to it."""
PAUSE = 6
"""Encoder frames without a token of a word, after which a word that begins at a flush, after the end of a sentence, is
taken for an error: the step from noise to the digital silence of the flush is sometimes decoded as a word. If it was
spoken, it comes again."""

Token = TypeVar("Token", bound=tuple[Any, ...])
"""Token id, absolute emission frame, and further fields that are passed through."""


class FlushDedup:
    """Drops the second version of the tokens of flushes.

    Args:
        pieces: The model's pieces by token id.
    """

    def __init__(self, pieces: Vocabulary) -> None:
        self._pieces = pieces
        self._expected: deque[tuple[int, int]] = deque()
        """Tokens of the flush that have not come again, and their frames."""
        self._flushed_at = -1
        self._word_at = -1
        """Frame of the last token of a word."""
        self._closed = False
        """Whether a mark that closes a phrase has come after it."""
        self._dropped_at = -1
        """Frame of the last token that was dropped."""
        self._space = False
        """Whether the last token was a space, which many vocabularies have besides the mark of a word's start."""
        self._expecting = False
        """Whether no new token has come since the flush."""

    def expect(self, tokens: Sequence[int], frames: Sequence[int], flushed_at: int) -> None:
        """Notes the `tokens` of a flush at encoder frame `flushed_at`, emitted at `frames`: they will come again.

        A flush without new audio since the last one brings no tokens; what that one has brought is still expected.
        """
        if tokens or flushed_at != self._flushed_at:
            self._expected = deque(zip(tokens, frames, strict=True))
            self._flushed_at, self._expecting = flushed_at, True

    def count_spoken(self, tokens: Sequence[int], frames: Sequence[int], flushed_at: int) -> int:
        """How many of the first tokens of a flush at encoder frame `flushed_at` were spoken; see `PAUSE`."""
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
        """Those of the tokens that no flush has brought."""
        for row in tokens:
            token, frame = row[:2]
            piece = self._pieces[token]
            if not self._expecting or not self._is_repeated(token, piece, frame):
                yield row
            self._space = piece.kind is PieceKind.SPACE
            if piece.kind is PieceKind.SPEECH:
                self._word_at = frame
            self._closed = piece.kind is PieceKind.CLOSING or (self._closed and piece.kind is not PieceKind.SPEECH)

    def _is_repeated(self, token: int, piece: Piece, frame: int) -> bool:
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
        # The stream has gone beyond the flush: whatever follows is new, even a word that was really said twice.
        self._expecting = False
        return False

    def _consume(self, token: int, frame: int, window: int) -> bool:
        """Takes the token, and those expected before it, off the list; False when it is not expected around then."""
        for index, (expected, at) in enumerate(self._expected):
            # The tokens passed over have no second version; they stay as the flush has brought them.
            if token == expected and abs(frame - at) <= window:
                for _ in range(index + 1):
                    self._expected.popleft()
                return True
        return False

    def _consume_tag(self) -> bool:
        """Takes the next expected tag off the list, whatever its language; False when a word is expected before it."""
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
        """Takes the next expected word off the list, which another one has replaced; False if there is none."""
        begun = False
        while self._expected:
            piece = self._pieces[self._expected[0][0]]
            if begun and (piece.starts_word or piece.kind is PieceKind.SPACE):
                break
            begun = begun or piece.kind is PieceKind.SPEECH
            self._expected.popleft()
        return begun
