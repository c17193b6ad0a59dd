"""Holds back words that a decoder finds in noise. Pure; frames are the encoder's.

A word is dropped when two witnesses doubt it: voice detection hears no voice where it was said, and the decoder's own
confidence is low. A word in audible voice passes at once. A word without voice waits until it is complete, which is
when the next begins, after `COMPLETE` frames without a token, or with a flush.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from auricle_server.text.byte_pieces import Token
from auricle_server.text.vocabulary import PieceKind, Vocabulary

BEFORE = 10
"""Encoder frames before a word's first token in which its voice may lie: decoders emit a word after it has begun, with
chunks of 1.12 s up to that much later."""
COMPLETE = 3
"""Encoder frames without a token after which a word is complete."""


class QuietRuns:
    """Where the voice of a stream was low, as runs of frames; fed chunk by chunk.

    Args:
        threshold: Voice probability below which a chunk is quiet.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._runs: list[tuple[int, int]] = []
        self._until = 0

    def add(self, frame: int, peak: float | None) -> None:
        """Adds a chunk that ends at `frame`; `peak` is its highest voice probability, None where it is not known."""
        begin, self._until = self._until, max(self._until, frame)
        if peak is None or peak >= self._threshold or begin == self._until:
            return
        if self._runs and self._runs[-1][1] == begin:
            begin = self._runs.pop()[0]
        self._runs.append((begin, self._until))

    def covers(self, first: int, last: int) -> bool:
        """Whether all frames from `first` to `last` lie in one quiet run; what came after the last chunk does not."""
        return any(begin <= max(first, 0) and last < end for begin, end in reversed(self._runs))

    def forget(self, frame: int) -> None:
        """Forgets runs that end before `frame`."""
        self._runs = [run for run in self._runs if run[1] >= frame]


class HoldBack:
    """Filters the tokens of one transcript.

    Args:
        runs: Where the voice was low.
        pieces: The model's pieces by token id.
        confidence: Confidence of a word by those of its tokens.
        threshold: Words below this confidence are dropped.

    Attributes:
        dropped: Words dropped so far.
    """

    def __init__(
        self,
        runs: QuietRuns,
        pieces: Vocabulary,
        confidence: Callable[[Sequence[float]], float],
        threshold: float,
    ) -> None:
        self.dropped = 0
        self._runs, self._pieces = runs, pieces
        self._confidence, self._threshold = confidence, threshold
        self._word: list[Token] = []
        """The word that is held back, and the marks after it."""
        self._space = False

    def passed(self, tokens: Iterable[Token]) -> Iterator[Token]:
        """Those of the tokens that pass, and those held back before them that turn out to."""
        for token in tokens:
            kind = self._pieces[token[0]].kind
            if self._word and self._continues(token):
                self._word.append(token)
            else:
                yield from self.decided()
                if kind is PieceKind.SPEECH and self._runs.covers(token[1] - BEFORE, token[1]):
                    self._word.append(token)
                else:
                    yield token
            self._space = kind is PieceKind.SPACE

    def _continues(self, token: Token) -> bool:
        """Whether a token belongs to the word that is held back."""
        piece = self._pieces[token[0]]
        if piece.kind is PieceKind.CLOSING:
            return True
        return piece.kind in {PieceKind.SPEECH, PieceKind.MARK} and not piece.starts_word and not self._space

    def after(self, frame: int) -> Iterator[Token]:
        """The word that was held back, if it is complete by `frame` and passes."""
        return self.decided() if self._word and frame - self._word[-1][1] > COMPLETE else iter(())

    def decided(self) -> Iterator[Token]:
        """The word that was held back, if it passes; nothing is held back any longer."""
        word, self._word = self._word, []
        spoken = [token for token in word if self._pieces[token[0]].kind is PieceKind.SPEECH]
        if spoken and self._confidence([token[3] for token in spoken]) < self._threshold:
            self.dropped += 1
            return iter(())
        return iter(word)
