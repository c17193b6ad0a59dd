"""A line as a voice says it, with its pauses. Times are samples at 16 kHz.

A pause is true silence: the voice is cut between two words, found by the phones, with short fades.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from demo_model.audio import phones
from demo_model.audio.voices import SAMPLE_RATE, Rendered, SynthesisVoice
from tests.bench.turns.prosody import lengthened
from tests.bench.turns.scripts import ScriptLine

_FADE, _RELEASE = SAMPLE_RATE // 160, SAMPLE_RATE // 25
_DRAWN_OUT = SAMPLE_RATE // 4
"""Samples before a pause that are drawn out: about the last syllable."""
_NAMES_DIFFER = 0.3
"""Share of phones of the words before a break that may have other names there, being said in a sentence."""

Audio = npt.NDArray[np.float32]


class NoSuchBreak(ValueError):
    """The words before a break cannot be told from those after it by their phones."""


@dataclass(frozen=True)
class Pause:
    """Silence within a turn, in samples, and the kind of place."""

    start: int
    end: int
    kind: str


@dataclass
class Tape:
    """Audio so far."""

    pieces: list[Audio] = field(default_factory=list)
    length: int = 0

    def add(self, audio: Audio) -> None:
        self.pieces.append(audio)
        self.length += len(audio)

    def rest(self, samples: int) -> None:
        self.add(np.zeros(max(0, samples), np.float32))


@dataclass(frozen=True)
class _Place:
    """A break in a rendered line: the words before it end and those after it start, in samples."""

    end: int
    start: int
    samples: int
    kind: str
    drawl: float


@dataclass(frozen=True)
class SpokenLine:
    """A rendered line, in samples."""

    audio: Audio
    start: int
    end: int
    places: tuple[_Place, ...]

    @classmethod
    def of(cls, line: ScriptLine, voice: SynthesisVoice, seed: int) -> SpokenLine:
        """Renders it.

        Raises:
            NoSuchBreak: One of its breaks has no place.
        """

        def render(text: str) -> Rendered:
            return voice.render([text], random.Random(seed))[0]

        whole = render(line.text)
        said = _sounding(whole)
        counts = [_count(line.text, each.before, said, render) for each in line.breaks]
        places = [
            _Place(_at(said[count - 1].end), _at(said[count].start), _at(each.seconds), each.kind, each.drawl)
            for each, count in zip(line.breaks, counts, strict=True)
        ]
        return cls(whole.audio, _at(said[0].start), min(_at(said[-1].end), len(whole.audio)), tuple(places))

    def record(self, tape: Tape) -> list[Pause]:
        """Puts it on the tape, with its pauses."""
        made, begin = [], 0
        for place in self.places:
            cut = (place.end + place.start) // 2
            missing = max(0, place.samples - (place.start - place.end))
            tape.add(_drawn_out(_faded_in(self.audio[begin : place.end], begin), place.drawl))
            made.append(Pause(tape.length, tape.length + place.start - place.end + missing, place.kind))
            tape.add(_faded_out(self.audio[place.end : cut]))
            tape.rest(missing)
            begin = cut
        tape.add(_faded_in(self.audio[begin:], begin))
        return made


def _drawn_out(audio: Audio, factor: float) -> Audio:
    """With its last syllable drawn out, dying away."""
    tail = lengthened(audio[-_DRAWN_OUT:], factor)
    return _faded_out(np.concatenate([audio[:-_DRAWN_OUT], tail]), _RELEASE)


def _faded_in(audio: Audio, begin: int) -> Audio:
    """Except where a line begins."""
    ramp = np.linspace(0, 1, _FADE, dtype=np.float32)
    return np.concatenate([audio[:_FADE] * ramp[: len(audio)], audio[_FADE:]]) if begin else audio


def _faded_out(audio: Audio, samples: int = _FADE) -> Audio:
    ramp = np.linspace(1, 0, samples, dtype=np.float32)[-len(audio) :] if len(audio) else np.zeros(0, np.float32)
    return np.concatenate([audio[: max(0, len(audio) - samples)], audio[-samples:] * ramp])


def _at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def _sounding(rendered: Rendered) -> list[phones.Phone]:
    return [phone for phone in rendered.phones if phone.name != phones.SILENCE and phone.end > phone.start]


def _count(text: str, before: str, said: Sequence[phones.Phone], render: Callable[[str], Rendered]) -> int:
    """Phones of the words before a break: as many as they have alone, if that fits the words after it, too."""
    alone, rest = _sounding(render(before)), _sounding(render(text[len(before) :].strip()))
    count = len(alone)
    if not count or count + len(rest) != len(said):
        raise NoSuchBreak(before)
    differ = sum(one.name != other.name for one, other in zip(alone, said[:count], strict=True))
    if differ > _NAMES_DIFFER * count:
        raise NoSuchBreak(before)
    return count
