"""A recogniser whose words can be told from the audio alone, so that lost or doubled audio shows in its text.

A word is a burst of equal samples: forty milliseconds of the value 17 is the word ``w17``. A burst of any other length
was cut or doubled, and becomes ``broken17``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import groupby

from auricle.protocol import (
    Final,
    Finalize,
    Interim,
    Limits,
    Ready,
    ServerEvent,
    Settled,
    SpeechStarted,
    Start,
    TurnEnd,
    Update,
    Word,
)

RATE = 8_000
BURST = 320
CHUNK = 640
LIMITS = Limits(message_bytes=1 << 16, buffered_seconds=2.0, stream_seconds=3600.0, idle_seconds=60.0)
START = Start(sample_rate=RATE)


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def word(value: int, gap: float = 0.04) -> bytes:
    return array("h", [value] * BURST).tobytes() + silence(gap)


def speech(values: Iterable[int], gap: float = 0.04) -> bytes:
    return b"".join(word(value, gap) for value in values)


def ready(start: Start, session: str = "s") -> Ready:
    return Ready(
        session=session,
        model="bursts",
        latencies_ms=(80, 160),
        languages=("en-US", "de-DE"),
        latency_ms=start.latency_ms or 80,
        language=start.language or "en-US",
        limits=LIMITS,
    )


class Recogniser:
    """Decodes chunks of 80 ms; follows the rules that a real server follows."""

    def __init__(self, start: Start, *, tells_settled: bool = False) -> None:
        self.turn = start.turn
        self._tells_settled = tells_settled
        self._buffer = array("h")
        self._samples = 0
        self._burst = (0, 0)
        self._segment: list[Word] = []
        self._turn_texts: list[str] = []
        self._open = False
        self._speech_end = 0.0
        self._settled = 0.0

    def feed(self, pcm: bytes) -> list[ServerEvent]:
        self._buffer.frombytes(pcm)
        events: list[ServerEvent] = []
        while len(self._buffer) >= CHUNK:
            events += self._chunk(self._take(CHUNK))
        return events

    def finalize(self, message: Finalize) -> list[ServerEvent]:
        events = self._chunk(self._take(len(self._buffer)), flush=True)
        return [*events, self._final(message.id, self._now)]

    def update(self, message: Update) -> None:
        self.turn = message.turn or self.turn

    def end(self) -> list[ServerEvent]:
        events = self._chunk(self._take(len(self._buffer)), flush=True)
        return [*events, *self._close()]

    @property
    def _now(self) -> float:
        return self._samples / RATE

    def _take(self, count: int) -> array[int]:
        taken = self._buffer[:count]
        del self._buffer[:count]
        return taken

    def _chunk(self, samples: array[int], *, flush: bool = False) -> list[ServerEvent]:
        before = len(self._segment)
        for value, group in groupby(samples):
            self._run(value, sum(1 for _ in group))
        if flush:
            self._run(0, 0)
        return self._decide(before)

    def _run(self, value: int, length: int) -> None:
        held, held_length = self._burst
        if value == held:
            self._burst = (held, held_length + length)
        else:
            self._finish_burst(held, held_length)
            self._burst = (value, length)
        self._samples += length

    def _finish_burst(self, value: int, length: int) -> None:
        if value == 0:
            return
        text = f"w{value}" if length == BURST else f"broken{value}"
        self._segment.append(Word(text, (self._samples - length) / RATE, self._now, 0.9))
        self._speech_end = self._now

    def _decide(self, before: int) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        if self._segment and not self._open:
            self._open = True
            events.append(SpeechStarted(start=self._segment[0].start, audio_time=self._now))
        quiet = self._burst[0] == 0 and self._now - self._speech_end >= self.turn.silence_ms / 1000
        if self._open and quiet and self.turn.mode == "silence":
            return [*events, *self._close()]
        if len(self._segment) > before:
            events.append(self._interim())
        if self._tells_settled and not self._open and self._burst[0] == 0 and self._now - self._settled >= 0.5:
            self._settled = self._now
            events.append(Settled(settled=self._now, audio_time=self._now))
        return events

    def _close(self) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        if self._segment:
            events.append(self._final(None, (self._speech_end + self._now) / 2))
        if self._open and self.turn.mode == "silence":
            text, self._turn_texts = " ".join(self._turn_texts), []
            self._open = False
            events.append(TurnEnd(probability=1.0, speech_end=self._speech_end, text=text, audio_time=self._now))
        return events

    def _interim(self) -> Interim:
        words = self._segment
        text = " ".join(word.text for word in words)
        return Interim(text=text, start=words[0].start, end=words[-1].end, language="en-US", audio_time=self._now)

    def _final(self, finalize_id: str | None, settled: float) -> Final:
        words, self._segment = tuple(self._segment), []
        text = " ".join(word.text for word in words)
        if text:
            self._turn_texts.append(text)
        if self.turn.mode == "off":
            self._open, self._turn_texts = False, []
        return Final(
            text=text,
            start=words[0].start if words else self._now,
            end=words[-1].end if words else self._now,
            language="en-US",
            words=words,
            finalize_id=finalize_id,
            settled=settled,
            audio_time=self._now,
        )
