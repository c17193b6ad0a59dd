"""Sentences with names in them and ordinary ones, spoken by the demo model's synthesisers; the same for a seed."""

from __future__ import annotations

import multiprocessing
import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo_model.audio import acoustics
from demo_model.audio.utterances import UtterancePlan, compose
from demo_model.texts.sentences import Sentence, generate
from tests.bench.finals.talks import VOICES
from tests.bench.keyterms.names import Names

ORDINARY = "ordinary"


@dataclass(frozen=True)
class SpokenSentence:
    """A sentence: what is said, the key term in it (None: an ordinary one), and the sound, 16 kHz, signed 16 bit."""

    text: str
    term: str | None
    pcm: npt.NDArray[np.int16]


@dataclass(frozen=True)
class _Asked:
    seed: int
    text: str
    term: str | None


def _speak(asked: _Asked) -> SpokenSentence:
    rng = random.Random(asked.seed)
    voice = VOICES[asked.seed % len(VOICES)]
    rendered = voice.render([asked.text], rng)
    plan = UtterancePlan([Sentence(asked.text, ORDINARY)], 0.3, [], 0.8)
    made = compose(plan, rendered, voice.name, acoustics.draw(rng), rng.getrandbits(32))
    return SpokenSentence(asked.text, asked.term, (np.clip(made.audio, -1, 1) * 32767).astype(np.int16))


def with_names(names: Names, count: int, first_seed: int, processes: int) -> list[SpokenSentence]:
    """Sentences that hold one of the names each."""
    chosen = names.spoken(random.Random(first_seed), count)
    asked = [_Asked(first_seed + index, text[:1].upper() + text[1:], term) for index, (term, text) in enumerate(chosen)]
    return _all(asked, processes)


def ordinary(count: int, first_seed: int, processes: int) -> list[SpokenSentence]:
    """Held-out sentences of the demo model's own kind."""
    source = (sentence for sentence in generate(random.Random(first_seed), held_out=True) if sentence.group != "random")
    return _all([_Asked(first_seed + index, next(source).text, None) for index in range(count)], processes)


def _all(asked: list[_Asked], processes: int) -> list[SpokenSentence]:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(_speak, asked)
