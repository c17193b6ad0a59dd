"""What a fuzzing client sends on one connection in the wire format of another server, and what must come of it."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import soxr

from tests.support.tones import SAMPLE_RATE
from tests.torture.dialects.grammar import BINARY, CLOSE, TEXT, Grammar, Packet, url_of
from tests.torture.fuzzing.conversations import BAD_FRAMES, TOO_BIG, frame
from tests.torture.fuzzing.mutations import mutated
from tests.torture.phrases import Phrase

_MOST_MESSAGES = 30
_NORMAL = struct.pack(">H", 1000)
_PING, _FRAGMENT, _LAST = 0x89, 0x01, 0x80
_RAW = ("\udcff", "a\udcffb", "%FF", "%ED%A0%80", "%", "%zz", "%00", "#", "&&=;", "a=b=c", "\u00e9", "%0D%0A")
STEADY, WILD, CUT = "steady", "wild", "cut"


@dataclass
class Exchange:
    """One connection.

    Attributes:
        kind: `STEADY` for a right client that also sends what a right server refuses or skips; `WILD` for one that
            sends anything; `CUT` for one of these whose connection breaks.
        url: Path and query.
        frames: What it sends.
        said: The words of a steady one.
        finalizes: How many a steady one sends.
        refusals: How many messages of a steady one are refused.
        cut_after: Bytes after which the connection of a cut one breaks.
    """

    kind: str
    url: str
    frames: list[bytes] = field(default_factory=list)
    said: str = ""
    finalizes: int = 0
    refusals: int = 0
    cut_after: int | None = None

    def add(self, packet: Packet) -> None:
        """Sends one more message."""
        self.frames.append(frame(*packet))


class ExchangeWriter:
    """Makes exchanges in one format.

    Args:
        grammar: Of the format.
        talk: What steady clients say.
        rng: Decides.
    """

    def __init__(self, grammar: Grammar, talk: Iterator[Phrase], rng: random.Random) -> None:
        self.grammar = grammar
        self._talk = talk
        self._rng = rng

    def write(self) -> Exchange:
        """A random exchange; every fourth one is steady."""
        made = self._steady() if self._rng.random() < 0.25 else self._wild()
        if self._rng.random() < 0.15:
            made.kind, made.cut_after = CUT, self._rng.randrange(sum(map(len, made.frames)) + 1)
        return made

    # --- a right client that also sends what a right server refuses or skips -----------------------------------------

    def _steady(self) -> Exchange:
        grammar, rng, phrase = self.grammar, self._rng, next(self._talk)
        made = Exchange(STEADY, f"{grammar.path}?{grammar.right}&latency_ms={rng.choice((80, 560))}", said=phrase.text)
        for text in grammar.first:
            made.add(Packet(TEXT, text.encode()))
        audio, at = resampled(phrase.audio, grammar.rate), 0
        while at < len(audio):
            size = rng.choice((1, 3, 641, 6400, 12_799, 64_000))
            made.add(grammar.audio(audio[at : at + size]))
            at += size
            if rng.random() < 0.3:
                self._disturb(made)
        made.finalizes = 1
        made.add(Packet(TEXT, grammar.finalize.encode()))
        self._disturb(made)
        if grammar.end:
            made.add(Packet(TEXT, grammar.end.encode()))
        return made

    def _disturb(self, made: Exchange) -> None:
        """Sends something that must change no word."""
        grammar, rng = self.grammar, self._rng
        kind = rng.randrange(4)
        if kind == 0:
            made.add(Packet(TEXT, rng.choice(grammar.needless).encode()))
        elif kind == 1:
            made.add(Packet(_PING, rng.randbytes(rng.randrange(126))))
        elif kind == 2 or not grammar.patient:
            made.refusals += 1
            made.add(Packet(TEXT, rng.choice(grammar.refused).encode()))
        else:
            text = mutated(rng.choice(grammar.corpus), rng)
            if not _acts(text, grammar):
                made.refusals += 1
                made.add(Packet(TEXT, text.encode()))

    # --- a client that sends anything ---------------------------------------------------------------------------------

    def _wild(self) -> Exchange:
        grammar, rng = self.grammar, self._rng
        made = Exchange(WILD, self._url())
        for text in grammar.first if rng.random() < 0.7 else ():
            made.add(Packet(TEXT, text.encode()))
        for _ in range(rng.randrange(_MOST_MESSAGES)):
            (make,) = rng.choices(_KINDS, _WEIGHTS)
            made.frames.append(make(self))
        if grammar.end:
            made.add(Packet(TEXT, grammar.end.encode()))
        made.add(Packet(CLOSE, _NORMAL))
        return made

    def _url(self) -> str:
        grammar, rng = self.grammar, self._rng
        if rng.random() < 0.6:
            return f"{grammar.path}?{grammar.right}"
        given = [tuple(each.split("=")) for each in grammar.right.split("&") if rng.random() < 0.7]
        names = rng.choices(list(grammar.parameters), k=rng.randrange(1, 6))
        query = [(name, value) for name, value in given]
        query += [(name, rng.choice(grammar.parameters[name])) for name in names]
        url = url_of(grammar.path, query)
        if rng.random() < 0.3:  # what no client would send: bytes that are no UTF-8, broken escapes
            url += f"&{rng.choice(names).strip()}={rng.choice(_RAW)}"
        return url

    def _audio(self) -> bytes:
        return frame(*self.grammar.audio(self._rng.randbytes(self._rng.choice((0, 1, 3, 160, 640, 2561, 40_000)))))

    def _container(self) -> bytes:
        kind = self._rng.choice(containers())
        at = self._rng.randrange(len(kind))
        data = bytearray(kind[: at or None] if self._rng.random() < 0.7 else kind[at:])
        for _ in range(self._rng.randrange(1, 20) if self._rng.random() < 0.6 else 0):
            data[self._rng.randrange(len(data))] = self._rng.randrange(256)
        return frame(BINARY, bytes(data))

    def _right(self) -> bytes:
        return frame(TEXT, self._rng.choice(self.grammar.corpus).encode())

    def _refused(self) -> bytes:
        return frame(TEXT, self._rng.choice(self.grammar.refused).encode())

    def _mutation(self) -> bytes:
        text = mutated(self._rng.choice(self.grammar.corpus), self._rng)
        return frame(TEXT, text.encode(errors="surrogatepass"))

    def _other_kind(self) -> bytes:
        """Text where audio belongs, and audio where text does."""
        return frame(BINARY, self._rng.choice(self.grammar.corpus).encode())

    def _many(self) -> bytes:
        """One message, again and again."""
        return self._right() * self._rng.randrange(2, 60)

    def _fragments(self) -> bytes:
        """A message in two frames, which is right (RFC 6455, section 5.4), or the first of them."""
        text = self._rng.choice(self.grammar.corpus).encode()
        first, rest = frame(_FRAGMENT, text[:9]), frame(_LAST, text[9:])
        return first + rest if self._rng.random() < 0.8 else first

    def _too_big(self) -> bytes:
        return frame(self._rng.choice((TEXT, BINARY)), bytes(TOO_BIG))

    def _noise(self) -> bytes:
        return frame(TEXT, self._rng.randbytes(self._rng.randrange(200)))

    def _bad_frame(self) -> bytes:
        return self._rng.choice(BAD_FRAMES)


_KINDS: tuple[Callable[[ExchangeWriter], bytes], ...] = (
    ExchangeWriter._audio,
    ExchangeWriter._container,
    ExchangeWriter._right,
    ExchangeWriter._refused,
    ExchangeWriter._mutation,
    ExchangeWriter._other_kind,
    ExchangeWriter._many,
    ExchangeWriter._fragments,
    ExchangeWriter._too_big,
    ExchangeWriter._noise,
    ExchangeWriter._bad_frame,
)
_WEIGHTS = (250, 60, 250, 120, 250, 20, 20, 20, 2, 6, 4)


def _acts(text: str, grammar: Grammar) -> bool:
    """Whether a message may do something, or cannot even be sent as text."""
    try:
        text.encode()
        message = json.loads(text)
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    kind = message.get("type") if isinstance(message, dict) else None
    return isinstance(kind, str) and kind in grammar.acting


def resampled(pcm: bytes, rate: int) -> bytes:
    """16 kHz PCM at another rate."""
    if rate == SAMPLE_RATE:
        return pcm
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    return bytes(np.round(soxr.resample(samples, SAMPLE_RATE, rate)).astype("<i2").tobytes())


@cache
def containers() -> tuple[bytes, ...]:
    """A second of noise in the containers that can be written here."""
    from tests.support.formats.containers import file_of, opus_in

    pcm = np.random.default_rng(1).integers(-999, 999, SAMPLE_RATE).astype(np.int16)
    files = [file_of("WAV", pcm), file_of("FLAC", pcm), file_of("MP3", pcm), opus_in("ogg", pcm), opus_in("webm", pcm)]
    return tuple(files)
