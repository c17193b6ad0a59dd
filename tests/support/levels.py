"""Speech that survives resampling: a word is a stretch of one constant level, silence is zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from auricle.protocol import Limits, Start, Word
from tests.support.recogniser import Recogniser
from tests.support.scripted.script import READY
from tests.support.scripted_server import ScriptedServer

VOCABULARY = ("hello", "there", "how", "are", "you", "thanks", "good", "bye")
BLOCK_SECONDS = 0.01
WORD_SECONDS = 0.2
LIMITS = Limits(message_bytes=1 << 20, buffered_seconds=10.0, stream_seconds=3600.0, idle_seconds=60.0)
LANGUAGES = ("en-US", "de-DE", "auto")
NOISE = "*"
_LOUDEST, _STEP = 8_000, 500
_NOISE_LEVEL = 2_250
_CHUNK_BLOCKS = 8
_WORD_BLOCKS = 5
_CONFIDENCE = 0.9


def level_of(word: str) -> int:
    return _NOISE_LEVEL if word == NOISE else _LOUDEST - _STEP * VOCABULARY.index(word)


def word_at(level: float) -> str | None:
    index = round((_LOUDEST - level) / _STEP)
    near = abs(_LOUDEST - _STEP * index - level) < _STEP / 10
    return VOCABULARY[index] if near and 0 <= index < len(VOCABULARY) else None


@dataclass(frozen=True)
class Audio:
    """Mono samples; `speech_ends` are the seconds at which the spoken parts end."""

    samples: np.ndarray
    rate: int
    speech_ends: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def audio(*parts: float | str, rate: int = 16_000) -> Audio:
    """Silences (seconds) and sentences (words of the vocabulary, or `NOISE`), one after the other."""
    pieces: list[np.ndarray] = []
    ends: list[float] = []
    for part in parts:
        if isinstance(part, str):
            pieces += [np.full(round(WORD_SECONDS * rate), level_of(word), np.int16) for word in part.split()]
            ends.append(sum(map(len, pieces)) / rate)
        else:
            pieces.append(np.zeros(round(part * rate), np.int16))
    return Audio(np.concatenate(pieces), rate, tuple(ends))


def level_server(
    *,
    language: str = "en-US",
    languages: tuple[str, ...] = LANGUAGES,
    limits: Limits = LIMITS,
    takes_keyterms: bool = False,
    **options: object,
) -> ScriptedServer:
    """A server that recognises levels.

    Args:
        language: Of every segment; ``"auto"`` for a model that has not detected one.
        languages: That it offers.
        limits: That it names.
        takes_keyterms: Whether key terms are no error.
        **options: Other fields of `ScriptedServer`.
    """

    def recogniser(start: Start) -> Recogniser:
        return Recogniser(start, LevelDecoder(start.sample_rate), language)

    ready = replace(READY, model="scripted", languages=languages, language=language, limits=limits)
    return ScriptedServer(recogniser=recogniser, ready=ready, takes_keyterms=takes_keyterms, **options)  # type: ignore[arg-type]


class LevelDecoder:
    """Takes the median of blocks of ten milliseconds; half a word is a word too."""

    def __init__(self, rate: int) -> None:
        self._size = round(rate * BLOCK_SECONDS)
        self._rest = np.zeros(0, np.int16)
        self._blocks = 0
        self._run: list[str | None] = []
        self._found: list[Word] = []

    @property
    def clock(self) -> float:
        return self._blocks * BLOCK_SECONDS

    @property
    def speaking(self) -> bool:
        return len(self._run) >= _WORD_BLOCKS and self._run[0] is not None

    def feed(self, pcm: bytes) -> Iterator[list[Word]]:
        self._rest = np.concatenate([self._rest, np.frombuffer(pcm, np.int16)])
        while len(self._rest) >= self._size:
            block, self._rest = self._rest[: self._size], self._rest[self._size :]
            self._follow(word_at(float(np.median(block))))
            if self._blocks % _CHUNK_BLOCKS == 0:
                yield self._take_found()

    def flush(self) -> list[Word]:
        self._end_run()
        return self._take_found()

    def _follow(self, word: str | None) -> None:
        if self._run and self._run[-1] != word:
            self._end_run()
        self._run.append(word)
        self._blocks += 1

    def _end_run(self) -> None:
        """The level changed, or everything so far is wanted: a long enough run was a word."""
        run, self._run = self._run, []
        if len(run) >= _WORD_BLOCKS and run[0] is not None:
            self._found.append(Word(run[0], self.clock - len(run) * BLOCK_SECONDS, self.clock, _CONFIDENCE))

    def _take_found(self) -> list[Word]:
        found, self._found = self._found, []
        return found
