"""What a stream's second pass has found and no final has taken yet. Pure; positions are samples at 16 kHz.

The second pass decodes the same audio at the model's longest latency: more right context, fewer errors, later results.
The first pass decides where segments end; the words between two such borders are then taken from here.

A second pass that is opened in mid-stream takes over in a pause, where both passes agree on what was said before. When
it is closed, the final that waits for it and those that follow have the words of the first pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import CAUGHT_UP, SAMPLE_RATE
from auricle_server.stream.flush_dedup import FlushDedup
from auricle_server.stream.hold_back import QuietRuns
from auricle_server.stream.language_tracker import TagTracker
from auricle_server.stream.segment_end import SegmentEnd
from auricle_server.stream.transcript import Segment, Transcript
from auricle_server.text.byte_pieces import Token, ids_and_frames
from auricle_server.text.calibration import RAW, WordCalibration
from auricle_server.text.vocabulary import Piece, PieceKind, vocabulary

PAUSE_SAMPLES = SAMPLE_RATE * 4 // 5
"""A pause in which a second pass takes over: neither pass can still emit an earlier word, or have begun another."""


class SecondPass:
    """The second pass of one stream, if it has one.

    Args:
        pieces: Token strings by id.
        frame_samples: Length of an encoder frame.
        calibration: Of the model's words.
        latency_ms: Of the second pass.
        quiet: Where the voice was low; None holds no word back.
        doubtful: As for `Transcript`.

    Attributes:
        active: Whether there is a second pass, and finals have its words.
        position: Audio position on which its last result rests.
        last_word_end: End of the last word of the last final, in seconds.
        tags: Its language tags.
    """

    def __init__(
        self,
        pieces: tuple[str, ...],
        frame_samples: int,
        calibration: WordCalibration = RAW,
        latency_ms: int = 0,
        quiet: QuietRuns | None = None,
        doubtful: float = 0.0,
    ) -> None:
        self.last_word_end = 0.0
        self._quiet, self._doubtful = quiet, doubtful
        self._calibration, self._latency_ms = calibration, latency_ms
        self.active = False
        self.position = 0
        self.tags = TagTracker()
        self._names = pieces
        self._pieces = vocabulary(pieces)
        self._frame_samples = frame_samples
        self._is_open = False
        self._floor: int | None = None
        """Words that start before it are the first pass's; None once a later word has come."""
        self.close()

    def open(self, base: int) -> None:
        """A second pass starts, which decodes the stream from sample `base` on and answers the flushes from then on."""
        self.close()
        self._is_open, self._base, self.position = True, base, base
        # From the beginning of the stream there is nothing to take over from the first pass.
        self.active = base == 0

    def close(self) -> None:
        """The second pass stops, or there has been none."""
        self.active = self._is_open = False
        self._base, self._floor, self.tags = 0, None, TagTracker()
        self._bytes, self._dedup = self._pieces.joiner(), FlushDedup(self._pieces)
        self._tokens: list[Token] = []
        self._taken = 0
        """Tokens that finals have taken."""
        self._answered: dict[int, int] = {}
        """Number of tokens up to the answer to each flush, by mark."""
        self._lookahead: tuple[list[Token], int] | None = None
        """The tokens of the newest result, if it answers a `FlushSecondPass`, and the number of the new ones."""

    @property
    def start(self) -> int | None:
        """Start of the first word that no final has taken; None without one."""
        frames = (frame for token, frame, *_ in self._tokens if self._pieces[token].kind is PieceKind.SPEECH)
        frame = next(frames, None) if self.active else None
        return None if frame is None else frame * self._frame_samples

    @property
    def end(self) -> int:
        """End of the last token that no final has taken; 0 without one."""
        return (self._tokens[-1][1] + 1) * self._frame_samples if self._tokens else 0

    def decoded_by(self, position: int) -> int:
        """The position that both passes have reached, when the first has reached `position`."""
        return min(position, self.position) if self.active else position

    def add(self, result: ChunkResult) -> None:
        """Adds the second pass's next result."""
        self.position = max(self.position, result.samples)
        tokens = self._bytes.joined(_tokens_of(result), flushed=result.mark is not None)
        new = self._new(tokens, None if result.mark is None else result.samples // self._frame_samples)
        self._tokens += new
        # Such a flush reaches into audio that is decoded again, with more context: see `_drop_lookahead`.
        self._lookahead = (tokens, len(new)) if result.mark == CAUGHT_UP else None
        if result.mark not in {None, CAUGHT_UP}:
            self._answered[result.mark] = self._taken + len(self._tokens)
        self._skip()

    def _new(self, tokens: list[Token], flushed_at: int | None) -> list[Token]:
        """Those of a result's tokens that no earlier flush has brought; `flushed_at` is the frame of its own flush."""
        if flushed_at is None:
            return list(self._dedup.new(tokens))
        spoken = tokens[: self._dedup.count_spoken(*ids_and_frames(tokens), flushed_at)]
        new = list(self._dedup.new(spoken))
        self._dedup.expect(*ids_and_frames(spoken), flushed_at)
        return new

    def take_over(self, speech_end: int | None, position: int) -> None:
        """A new second pass takes over in a pause, when all words are final; `position` is that of the first pass."""
        quiet_since = max(speech_end or 0, self._base)
        if self._is_open and not self.active and position - quiet_since >= PAUSE_SAMPLES:
            # The middle of the pause: as far as can be from the words on either side.
            self.active, self._floor = True, (quiet_since + position) // 2
            self._skip()

    def _skip(self) -> None:
        if self._floor is not None and self.active:
            first = self._first_after(self._floor, self._tokens)
            if first < len(self._tokens):
                self._floor = None
            self._drop(first)

    def knows(self, segment_end: SegmentEnd) -> bool:
        """Whether all words of a segment with this end have come."""
        if not self.active or segment_end.position <= self._base:
            return True
        return self.position >= segment_end.position if segment_end.mark is None else segment_end.mark in self._answered

    def take(self, segment_end: SegmentEnd) -> Segment | None:
        """Takes out the words of the segment; None when they are those of the first pass."""
        answered = self._answered.pop(segment_end.mark, 0) if segment_end.mark is not None else 0
        if not self.active:
            self._tokens = [token for token in self._tokens if token[1] * self._frame_samples > segment_end.position]
            return None
        if segment_end.takes_all:
            count = max(0, answered - self._taken)
        else:
            count = self._first_after(segment_end.border, self._tokens)
            self._drop_lookahead(segment_end.border, count)
        return self._segment(self._drop(count))

    def _drop_lookahead(self, border: int, count: int) -> None:
        """Forgets what a flush found after the border, where it had part of a word only: it is decoded again."""
        if self._lookahead is None:
            return
        tokens, new = self._lookahead
        del self._tokens[max(count, len(self._tokens) - new) :]
        before = self._first_after(border, tokens)
        self._dedup.expect(*ids_and_frames(tokens[:before]), border // self._frame_samples)
        self._lookahead = None

    def _first_after(self, border: int, tokens: Sequence[Token]) -> int:
        """Index of the first token of the first word that starts after `border`."""
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
        transcript = Transcript(
            self._names,
            self._frame_samples,
            self._calibration,
            self._latency_ms,
            self.tags,
            self._quiet,
            self._doubtful,
        )
        transcript.last_word_end = self.last_word_end
        for token, frame, probability, confidence in tokens:
            transcript.add((token,), (frame,), (probability,), confidences=(confidence,))
        return transcript.cut(self.position)


def _tokens_of(result: ChunkResult) -> list[Token]:
    return list(zip(result.tokens, result.frames, result.probabilities, result.confidences, strict=True))


def _begins_word(piece: Piece, follower: Piece | None) -> bool:
    if piece.kind is PieceKind.SPACE and follower is not None and follower.kind is PieceKind.LANGUAGE:
        return False  # a tag after a sentence follows a space
    if piece.starts_word:
        return piece.kind in {PieceKind.SPEECH, PieceKind.MARK, PieceKind.SPACE}
    return piece.kind is PieceKind.SPEECH and not piece.continues
