"""Speech with pauses, and where each sentence ends in it: held-out sentences of the demo model's voices."""

from __future__ import annotations

import multiprocessing
import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo_model.audio import acoustics
from demo_model.audio.utterances import UtterancePlan, compose
from demo_model.audio.voices import SAMPLE_RATE, EspeakVoice, FliteVoice, SynthesisVoice
from demo_model.texts.sentences import generate

VOICES: tuple[SynthesisVoice, ...] = (
    FliteVoice("slt"),
    FliteVoice("rms"),
    FliteVoice("awb"),
    EspeakVoice("en-US"),
    EspeakVoice("en-US+f3"),
    EspeakVoice("en-US+m3"),
    EspeakVoice("en"),
)
SENTENCES = 6
PAUSES = (0.3, 1.5)


@dataclass(frozen=True)
class Part:
    """A sentence: what is said, and when, in samples."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class PausedTalk:
    """Audio at 16 kHz, signed 16 bit, and its sentences."""

    pcm: npt.NDArray[np.int16]
    parts: tuple[Part, ...]


def talk(seed: int) -> PausedTalk:
    """Six sentences of one voice with pauses of 0.3 to 1.5 s, in an acoustic condition of its own."""
    rng = random.Random(seed)
    source = (s for s in generate(rng, held_out=True) if s.group != "random")
    sentences = [next(source) for _ in range(SENTENCES)]
    plan = UtterancePlan(sentences, 0.3, [rng.uniform(*PAUSES) for _ in sentences[1:]], 1.5)
    voice = VOICES[seed % len(VOICES)]
    rendered = voice.render([sentence.text for sentence in sentences], rng)
    made = compose(plan, rendered, voice.name, acoustics.draw(rng), rng.getrandbits(32))
    pcm = (np.clip(made.audio, -1, 1) * 32767).astype(np.int16)
    parts = (Part(t.text, round(t.start * SAMPLE_RATE), round(t.end * SAMPLE_RATE)) for t in made.turns)
    return PausedTalk(pcm, tuple(parts))


def talks(count: int, first_seed: int, processes: int) -> list[PausedTalk]:
    """Many of them; the same for the same seeds."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(talk, range(first_seed, first_seed + count))
