"""Talks through the engine: the tokens that it finds, and the words that they make under a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from auricle.protocol.server_messages import Word
from auricle_server.engine import Engine
from auricle_server.engine.types import RowResult
from auricle_server.stream.transcript import Transcript
from auricle_server.text.calibration import RAW, WordCalibration
from tests.bench.words.talks import WordTalk

AT_ONCE = 24


@dataclass
class TalkTokens:
    """What was found in one talk."""

    rows: list[RowResult] = field(default_factory=list)


@dataclass(frozen=True)
class ModelSetting:
    """A model at one latency setting.

    Attributes:
        pieces: Its vocabulary.
        frame_samples: Length of its frames.
        latency_ms: The setting.
    """

    pieces: tuple[str, ...]
    frame_samples: int
    latency_ms: int

    def words(self, tokens: TalkTokens, calibration: WordCalibration) -> tuple[Word, ...]:
        """The words of a final, as a client gets them."""
        transcript = self._transcript(tokens, calibration)
        return transcript.cut(tokens.rows[-1].samples).words

    def scores(self, tokens: TalkTokens, *, entropy: bool) -> list[list[float]]:
        """Of each word, the confidences of its tokens, by entropy or by probability."""
        return [word.confidences for word in self._transcript(tokens, RAW, entropy=entropy)._words]

    def _transcript(self, tokens: TalkTokens, calibration: WordCalibration, *, entropy: bool = True) -> Transcript:
        transcript = Transcript(self.pieces, self.frame_samples, calibration, self.latency_ms)
        for row in tokens.rows:
            scores = row.confidences if entropy else row.probabilities
            transcript.add(row.tokens, row.frames, row.probabilities, confidences=scores)
        return transcript


def listen(engine: Engine, talks: Sequence[WordTalk], latency_ms: int) -> list[TalkTokens]:
    """What the engine finds in each talk."""
    found = [TalkTokens() for _ in talks]
    waiting, running = list(reversed(range(len(talks)))), dict[int, int]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            index = waiting.pop()
            lease = engine.open(latency_ms, talks[index].code)
            engine.push(lease, talks[index].pcm)
            engine.flush(lease, 1, last=True)
            running[lease.id] = index
        for row in engine.step().rows():
            found[running[row.lease.id]].rows.append(row)
            if row.ended:
                running.pop(row.lease.id)
    return found
