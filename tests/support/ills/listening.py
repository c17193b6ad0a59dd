"""What an engine hears of a scenario: words with their times and confidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle_server.engine import Engine
from auricle_server.text.calibration import WordCalibration
from auricle_server.voice.models import find_models, load_models
from auricle_server.voice.silero import WINDOW, VoiceTrack
from tests.support.ills.scenes import MARK
from tests.support.ills.words import SAMPLE_RATE, Pcm

FRAME = 0.08


@dataclass(frozen=True)
class Word:
    """A word that a model wrote: when its tokens were emitted, in seconds, and how sure the model was, 0 to 1."""

    text: str
    first: float
    last: float
    confidence: float


def listen(engine: Engine, audio: Pcm, latency_ms: int, again: tuple[int, int] | None = None) -> list[Word]:
    """The words and marks of a stream of its own.

    With `again` = (at, since), the stream decodes the audio from sample `since` on again when `at` samples have come.
    """
    lease = engine.open(latency_ms, "en-US")
    found: list[tuple[str, int, float]] = []
    if again is not None:
        engine.push(lease, audio[: again[0]])
        found += _tokens(engine)
        engine.decode_again(lease, again[1])
    engine.push(lease, audio[again[0] if again else 0 :])
    engine.flush(lease, 1, last=True)
    return words(found + _tokens(engine), engine.info.words)


def _tokens(engine: Engine) -> list[tuple[str, int, float]]:
    """Pieces, frames and confidences of all rows that are ready."""
    found: list[tuple[str, int, float]] = []
    while engine.ready:
        for row in engine.step().rows():
            pieces = [engine.info.pieces[token] for token in row.tokens]
            found += zip(pieces, row.frames, row.confidences, strict=True)
    return found


def words(tokens: list[tuple[str, int, float]], calibration: WordCalibration) -> list[Word]:
    """Pieces, frames and confidences as words."""
    grouped: list[list[tuple[str, int, float]]] = []
    for token in tokens:
        if token[0].startswith("\u2581") or token[0] == MARK or not grouped:
            grouped.append([])
        grouped[-1].append(token)
    return [
        Word(
            "".join(piece for piece, _, _ in group).removeprefix("\u2581"),
            group[0][1] * FRAME,
            group[-1][1] * FRAME + FRAME,
            calibration.word([confidence for _, _, confidence in group]),
        )
        for group in grouped
    ]


def without_marks(found: list[Word]) -> list[Word]:
    """The words without marks."""
    return [word for word in found if word.text != MARK]


def spoken(found: list[Word]) -> list[str]:
    """Texts of the words without marks."""
    return [word.text for word in without_marks(found)]


def voice(audio: Pcm, start: float, end: float) -> float:
    """The highest probability of voice between two times, by Silero over the whole audio."""
    track = VoiceTrack(load_models(find_models()).silero)
    probabilities = np.array(track.advance(audio.tobytes()))
    first, last = int(start * SAMPLE_RATE / WINDOW), int(end * SAMPLE_RATE / WINDOW)
    return float(probabilities[first : last + 1].max())
