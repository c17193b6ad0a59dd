"""Held-out sentences in every language of the multilingual demo model, and talks that change their language midway."""

from __future__ import annotations

import multiprocessing
import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo_model.audio.utterances import UtterancePlan, draw_trail, make
from demo_model.audio.voices import SAMPLE_RATE
from demo_model.texts.languages import BY_CODE

SENTENCES = 3
PAUSE = 0.4


@dataclass(frozen=True)
class Stretch:
    """Sentences of one language: what is said, how often, and from which sample on."""

    code: str
    text: str
    sentences: int
    start: int


@dataclass(frozen=True)
class LanguageTalk:
    """Audio at 16 kHz, signed 16 bit, of one language after the other."""

    pcm: npt.NDArray[np.int16]
    stretches: tuple[Stretch, ...]

    @property
    def code(self) -> str:
        """The language that it begins in."""
        return self.stretches[0].code


def stretch(code: str, rng: random.Random) -> tuple[npt.NDArray[np.int16], str]:
    """Three sentences of a voice of the language, in an acoustic condition of their own; random words are left out."""
    language = BY_CODE[code]
    source = (sentence for sentence in language.generate(rng, True) if sentence.group != "random")
    plan = UtterancePlan(
        [next(source) for _ in range(SENTENCES)], 0.3, [PAUSE] * (SENTENCES - 1), draw_trail(rng) + 0.3
    )
    voice = rng.choices([voice for voice, _ in language.voices], [weight for _, weight in language.voices])[0]
    made = make(voice, [plan], rng)[0]
    return (np.clip(made.audio, -1, 1) * 32767).astype(np.int16), made.text


def talk(drawn: tuple[int, tuple[str, ...]]) -> LanguageTalk:
    """The talk of a seed, in the languages given."""
    seed, codes = drawn
    rng = random.Random(seed)
    at, pieces, stretches = 0, [], []
    for code in codes:
        pcm, text = stretch(code, rng)
        stretches.append(Stretch(code, text, SENTENCES, at))
        pieces.append(pcm)
        at += len(pcm)
    return LanguageTalk(np.concatenate(pieces), tuple(stretches))


def talks(count: int, first_seed: int, processes: int) -> list[LanguageTalk]:
    """`count` talks of each language, the languages taking turns; seeds fix text, voice and condition."""
    return _made([(first_seed + n, (code,)) for n in range(count) for code in BY_CODE], processes)


def changing_talks(count: int, first_seed: int, processes: int) -> list[LanguageTalk]:
    """`count` talks that begin in each language and go on in another one."""
    drawn: list[tuple[int, tuple[str, ...]]] = []
    for number in range(count):
        rng = random.Random(first_seed + number)
        drawn += [(rng.getrandbits(40), (code, rng.choice([c for c in BY_CODE if c != code]))) for code in BY_CODE]
    return _made(drawn, processes)


def _made(drawn: list[tuple[int, tuple[str, ...]]], processes: int) -> list[LanguageTalk]:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(talk, drawn)


def seconds(samples: int) -> float:
    """Of audio."""
    return samples / SAMPLE_RATE
