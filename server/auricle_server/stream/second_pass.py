"""What a stream's second lane has found and no final has taken yet. Pure; positions are samples at 16 kHz.

The second lane hears the same audio at the model's longest latency, so it hears better and later. The first lane
decides where segments end; the words between two such borders are then taken from here.

A lane that is opened in mid-stream takes over in a pause, where both lanes agree on what was said before, and one that
is closed hands over at once: the final that waits for it, and those after it, hold the first lane's words.
"""

from __future__ import annotations

from collections.abc import Sequence

from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import CAUGHT_UP, SAMPLE_RATE
from auricle_server.stream.flush_dedup import FlushDedup
from auricle_server.stream.language_tracker import TagTracker
from auricle_server.stream.segment_end import SegmentEnd
from auricle_server.stream.transcript import Segment, Transcript
from auricle_server.text.calibration import RAW, WordCalibration
from auricle_server.text.vocabulary import Piece, PieceKind, vocabulary

PAUSE_SAMPLES = SAMPLE_RATE * 4 // 5
"""Without a word for this long, a lane takes over: neither may still owe a word of before, nor have begun another."""

Token = tuple[int, int, float, float]
"""Token id, absolute emission frame, probability, confidence."""


class SecondPass:
    """The second lane of one stream, if it has one.

    Args:
        pieces: Token strings by id.
        frame_samples: Length of an encoder frame.
        calibration: Of the model's words.
        latency_ms: Of the lane.

    Attributes:
        active: Whether there is a lane, and finals are its words.
        position: Audio position on which what it has found rests.
        told: Where the last word ended that a final has told, in seconds.
        tags: Its language tags.
    """

    def __init__(
        self,
        pieces: tuple[str, ...],
        frame_samples: int,
        calibration: WordCalibration = RAW,
        latency_ms: int = 0,
    ) -> None:
        self.told = 0.0
        self._calibration, self._latency_ms = calibration, latency_ms
        self.active = False
        self.position = 0
        self.tags = TagTracker()
        self._names = pieces
        self._pieces = vocabulary(pieces)
        self._frame_samples = frame_samples
        self._is_open = False
        self._floor: int | None = None
        """What starts before it is the first lane's; None once a word behind it has come."""
        self.close()

    def open(self, base: int) -> None:
        """There is a lane now, which hears the stream from sample `base` on and answers what is asked from then on."""
        self.close()
        self._is_open, self._base, self.position = True, base, base
        self.active = base == 0

    def close(self) -> None:
        """There is none any more."""
        self.active = self._is_open = False
        self._base, self._floor, self.tags = 0, None, TagTracker()
        self._echo = FlushDedup(self._pieces)
        self._tokens: list[Token] = []
        self._taken = 0
        """Tokens that were here before those."""
        self._answered: dict[int, int] = {}
        """Tokens found up to the answer to each flush, by mark."""
        self._looked_ahead: tuple[ChunkResult, int] | None = None
        """The newest result, if it answers a `FlushSecondPass`, and how many new tokens it brought."""

    @property
    def start(self) -> int | None:
        """Where the first word begins that no final has taken; None without one."""
        frames = (frame for token, frame, *_ in self._tokens if self._pieces[token].kind is PieceKind.SPEECH)
        frame = next(frames, None) if self.active else None
        return None if frame is None else frame * self._frame_samples

    @property
    def end(self) -> int:
        """Where the last token was found, taken by no final yet."""
        return (self._tokens[-1][1] + 1) * self._frame_samples if self._tokens else 0

    def heard_by(self, position: int) -> int:
        """The position on which all rests that has been found up to `position` of the first lane's."""
        return min(position, self.position) if self.active else position

    def add(self, result: ChunkResult) -> None:
        """The lane's next result."""
        self.position = max(self.position, result.samples)
        new = self._new(result)
        self._tokens += new
        self._looked_ahead = (result, len(new)) if result.mark == CAUGHT_UP else None
        if result.mark not in {None, CAUGHT_UP}:
            self._answered[result.mark] = self._taken + len(self._tokens)
        self._skip()

    def _new(self, result: ChunkResult) -> list[Token]:
        """Those of its tokens that no flush before has brought."""
        tokens = _tokens_of(result)
        if result.mark is None:
            return list(self._echo.new(tokens))
        flushed_at = result.samples // self._frame_samples
        said = self._echo.said(result.tokens, result.frames, flushed_at)
        new = list(self._echo.new(tokens[:said]))
        self._echo.reported(result.tokens[:said], result.frames[:said], flushed_at)
        return new

    def take_over(self, speech_end: int | None, position: int) -> None:
        """The first lane waits for a word at `position`, all before is final: a new lane takes over in a long pause."""
        quiet_since = max(speech_end or 0, self._base)
        if self._is_open and not self.active and position - quiet_since >= PAUSE_SAMPLES:
            self.active, self._floor = True, (quiet_since + position) // 2
            self._skip()

    def _skip(self) -> None:
        if self._floor is not None and self.active:
            first = self._first_behind(self._floor, self._tokens)
            if first < len(self._tokens):
                self._floor = None
            self._drop(first)

    def knows(self, cut: SegmentEnd) -> bool:
        """Whether all words of a segment that ends so have come."""
        if not self.active or cut.position <= self._base:
            return True
        return self.position >= cut.position if cut.mark is None else cut.mark in self._answered

    def take(self, cut: SegmentEnd) -> Segment | None:
        """The words up to there, which go; None when they are the first lane's."""
        answered = self._answered.pop(cut.mark, 0) if cut.mark is not None else 0
        if not self.active:
            self._tokens = [token for token in self._tokens if token[1] * self._frame_samples > cut.position]
            return None
        if cut.takes_all:
            count = max(0, answered - self._taken)
        else:
            count = self._first_behind(cut.border, self._tokens)
            self._look_back(cut.border, count)
        return self._segment(self._drop(count))

    def _look_back(self, border: int, count: int) -> None:
        """Forgets what a flush found behind the border, where it has heard but a beginning: it will be heard again."""
        if self._looked_ahead is None:
            return
        result, new = self._looked_ahead
        del self._tokens[max(count, len(self._tokens) - new) :]
        before = self._first_behind(border, _tokens_of(result))
        self._echo.reported(result.tokens[:before], result.frames[:before], border // self._frame_samples)
        self._looked_ahead = None

    def _first_behind(self, border: int, tokens: Sequence[Token]) -> int:
        """Index of the first token of the first word that starts behind `border`."""
        for index, (token, frame, *_) in enumerate(tokens):
            follower = self._pieces[tokens[index + 1][0]] if index + 1 < len(tokens) else None
            if frame * self._frame_samples > border and _begins_word(self._pieces[token], follower):
                return index
        return len(tokens)

    def _drop(self, count: int) -> list[Token]:
        dropped, self._tokens = self._tokens[:count], self._tokens[count:]
        self._taken += count
        return dropped

    def _segment(self, tokens: list[Token]) -> Segment:
        transcript = Transcript(self._names, self._frame_samples, self._calibration, self._latency_ms, self.tags)
        transcript.told = self.told
        for token, frame, probability, confidence in tokens:
            transcript.add((token,), (frame,), (probability,), confidences=(confidence,))
        return transcript.cut(self.position)


def _tokens_of(result: ChunkResult) -> list[Token]:
    return list(zip(result.tokens, result.frames, result.probabilities, result.confidences, strict=True))


def _begins_word(piece: Piece, follower: Piece | None) -> bool:
    if piece.kind is PieceKind.SPACE and follower is not None and follower.kind is PieceKind.LANGUAGE:
        return False  # a tag behind a sentence stands behind a space
    if piece.starts_word:
        return piece.kind in {PieceKind.SPEECH, PieceKind.MARK, PieceKind.SPACE}
    return piece.kind is PieceKind.SPEECH and not piece.continues
