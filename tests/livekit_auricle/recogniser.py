"""What the scripted server hears: words from levels, on the clock of its chunks. Follows the protocol's promises."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from auricle.protocol import (
    Final,
    Interim,
    ServerEvent,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    TurnSettings,
    Word,
)
from auricle.protocol.settings import Refine
from tests.support.levels import BLOCK_SECONDS, word_at

CHUNK_BLOCKS = 8
_WORD_BLOCKS = 5
_CONFIDENCE = 0.9


@dataclass
class Recogniser:
    """Segments, finals and turns of one connection; an event's times are this connection's own."""

    turn: TurnSettings
    rate: int
    language: str
    refine: Refine = "off"
    _rest: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    _blocks: int = 0
    _run: list[str | None] = field(default_factory=list)
    _words: list[Word] = field(default_factory=list)
    _turn_words: list[Word] = field(default_factory=list)
    _open: bool = False
    _shown: str = ""
    _eager: str | None = None

    @property
    def clock(self) -> float:
        return self._blocks * BLOCK_SECONDS

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self._words)

    def hear(self, pcm: bytes) -> list[ServerEvent]:
        self._rest = np.concatenate([self._rest, np.frombuffer(pcm, np.int16)])
        size = round(self.rate * BLOCK_SECONDS)
        events: list[ServerEvent] = []
        while len(self._rest) >= size:
            block, self._rest = self._rest[:size], self._rest[size:]
            self._hear_block(word_at(float(np.median(block))))
            if self._blocks % CHUNK_BLOCKS == 0:
                events += self._decide()
        return events

    def finalize(self, finalize_id: str | None) -> list[ServerEvent]:
        self._close_run()
        started = self._speech_started()
        final = Final(
            text=self.text,
            start=self._words[0].start if self._words else self.clock,
            end=self._words[-1].end if self._words else self.clock,
            language=self.language,
            words=tuple(self._words),
            finalize_id=finalize_id,
            settled=self.clock,
            audio_time=self.clock,
            refined=self.refine != "off",
        )
        self._words, self._shown = [], ""
        if self.turn.mode == "off":
            self._open = False
        return [*started, final]

    def forget(self) -> None:
        self._words, self._run = [], []

    def end(self) -> list[ServerEvent]:
        self._close_run()
        events = self.finalize(None) if self._words else []
        return events + (self._turn_end() if self._open and self.turn.mode != "off" else [])

    def _hear_block(self, word: str | None) -> None:
        if self._run and self._run[-1] != word:
            self._close_run()
        self._run.append(word)
        self._blocks += 1

    def _close_run(self) -> None:
        """The level changed, or everything so far is wanted: a long enough run was a word."""
        run, self._run = self._run, []
        if len(run) >= _WORD_BLOCKS and run[0] is not None:
            word = Word(run[0], self.clock - len(run) * BLOCK_SECONDS, self.clock, _CONFIDENCE)
            self._words.append(word)
            self._turn_words.append(word)

    def _decide(self) -> list[ServerEvent]:
        events = self._speech_started()
        if self.turn.mode != "off" and self._open and self._silence() >= self._end_silence():
            return events + (self.finalize(None) if self._words else []) + self._turn_end()
        if self.text != self._shown:
            self._shown = self.text
            first, last = self._words[0], self._words[-1]
            events.append(Interim(text=self.text, start=first.start, end=last.end, language=self.language))
        return events + self._weigh()

    def _weigh(self) -> list[ServerEvent]:
        eager_silence = self._eager_silence()
        if eager_silence is None or not self._open:
            return []
        silent = self._silence() >= eager_silence
        text = " ".join(word.text for word in self._turn_words)
        events: list[ServerEvent] = []
        if self._eager is not None and (not silent or text != self._eager):
            self._eager = None
            events.append(TurnResumed(probability=0.0, audio_time=self.clock))
        if silent and self._eager is None:
            self._eager, end = text, self._turn_words[-1].end
            events.append(TurnEagerEnd(probability=0.5, speech_end=end, text=text, audio_time=self.clock))
        return events

    def _end_silence(self) -> float:
        """The words say how sure it is that there will be no more: after "hello there" sooner than after any other."""
        if self.turn.mode == "silence":
            return self.turn.silence_ms / 1000
        complete = self._turn_words[-1].text == "there" if self._turn_words else False
        return (self.turn.min_silence_ms if complete else self.turn.max_silence_ms) / 1000

    def _eager_silence(self) -> float | None:
        if self.turn.mode == "semantic":
            return None if self.turn.eager_threshold is None else self.turn.min_silence_ms / 1000
        return None if self.turn.eager_silence_ms is None else self.turn.eager_silence_ms / 1000

    def _silence(self) -> float:
        speaking = len(self._run) >= _WORD_BLOCKS and self._run[0] is not None
        return 0.0 if speaking or not self._turn_words else self.clock - self._turn_words[-1].end

    def _speech_started(self) -> list[ServerEvent]:
        if self._open or not self._words:
            return []
        self._open = True
        return [SpeechStarted(start=self._words[0].start, audio_time=self.clock)]

    def _turn_end(self) -> list[ServerEvent]:
        words, self._turn_words, self._open, self._eager = self._turn_words, [], False, None
        text = " ".join(word.text for word in words)
        return [TurnEnd(probability=1.0, speech_end=words[-1].end, text=text, audio_time=self.clock)]
