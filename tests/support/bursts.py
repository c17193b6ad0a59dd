"""Speech of which every sample counts: a word is forty milliseconds of equal samples, so lost or doubled audio shows.

The value 17 is the word ``w17``. A burst of any other length was cut or doubled, and becomes ``broken17``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from auricle.protocol import Limits, Ready, Start, Word
from tests.support.recogniser import Recogniser
from tests.support.scripted.script import READY
from tests.support.scripted_server import ScriptedServer

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


def ready(start: Start = START) -> Ready:
    """What a server answers to `start`."""
    return replace(
        READY, model="bursts", limits=LIMITS, latency_ms=start.latency_ms or 80, language=start.language or "en-US"
    )


def burst_server(*, sends_settled: bool = False, **options: object) -> ScriptedServer:
    """A server that recognises bursts; `options` are fields of `ScriptedServer`."""

    def recogniser(start: Start) -> Recogniser:
        return Recogniser(start, BurstDecoder(), sends_settled=sends_settled)

    return ScriptedServer(recogniser=recogniser, ready=ready(), **options)  # type: ignore[arg-type]


class BurstDecoder:
    """Follows runs of equal samples."""

    def __init__(self) -> None:
        self._rest = array("h")
        self._samples = 0
        self._run = (0, 0)

    @property
    def clock(self) -> float:
        return self._samples / RATE

    @property
    def speaking(self) -> bool:
        return self._run[0] != 0

    def feed(self, pcm: bytes) -> Iterator[list[Word]]:
        self._rest.frombytes(pcm)
        while len(self._rest) >= CHUNK:
            yield self._decode(CHUNK)

    def flush(self) -> list[Word]:
        return [*self._decode(len(self._rest)), *self._follow(0, 0)]

    def _decode(self, count: int) -> list[Word]:
        samples = self._rest[:count]
        del self._rest[:count]
        runs = [(value, sum(1 for _ in group)) for value, group in groupby(samples)]
        return [word for value, length in runs for word in self._follow(value, length)]

    def _follow(self, value: int, length: int) -> list[Word]:
        held, held_length = self._run
        ended = value != held
        words = [self._word(held, held_length)] if ended and held else []
        self._run = (value, length) if ended else (held, held_length + length)
        self._samples += length
        return words

    def _word(self, value: int, length: int) -> Word:
        text = f"w{value}" if length == BURST else f"broken{value}"
        return Word(text, (self._samples - length) / RATE, self.clock, 0.9)
