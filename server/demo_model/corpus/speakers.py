"""The speakers: Kokoro's and mixes of them, made ones of hibari's voice, espeak-ng's and Flite's.

Four of Kokoro's English speakers, and every mix with one of them, are held out for evaluation, in other languages too.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from demo_model.audio.voices import EspeakVoice, FliteVoice, SynthesisVoice, all_voices
from demo_model.neural import hibari
from demo_model.neural.kokoro import KokoroVoice

KOKORO = (
    "af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_nova", "af_river",
    "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam", "am_michael", "am_onyx", "am_puck",
    "am_santa", "bf_alice", "bf_emma", "bf_isabella", "bf_lily", "bm_daniel", "bm_fable", "bm_george", "bm_lewis",
)  # fmt: skip
HELD_OUT = "af_kore", "am_echo", "bf_lily", "bm_george"
TRAINED = tuple(voice for voice in KOKORO if voice not in HELD_OUT)
NATIVE = {
    "es-ES": ("ef_dora", "em_alex", "em_santa"),
    "fr-FR": ("ff_siwis",),
    "it-IT": ("if_sara", "im_nicola"),
}
"""Kokoro's speakers of other languages: few, so that most voices there are mixes with English ones."""
SINGLE_SHARE = 0.4
NATIVE_SINGLE_SHARE = 0.2
SpeakerSource = Callable[[random.Random], SynthesisVoice]


def kokoro(rng: random.Random) -> SynthesisVoice:
    """One of Kokoro's trained speakers, or a mix of two."""
    if rng.random() < SINGLE_SHARE:
        return KokoroVoice(rng.choice(TRAINED))
    first, second = rng.sample(TRAINED, 2)
    return KokoroVoice(first, second, round(rng.uniform(0.25, 0.75), 2))


def held_out_kokoro(rng: random.Random) -> SynthesisVoice:
    """A held-out speaker, or a mix of one with any other."""
    first = rng.choice(HELD_OUT)
    if rng.random() < SINGLE_SHARE:
        return KokoroVoice(first)
    second = rng.choice([voice for voice in KOKORO if voice != first])
    return KokoroVoice(first, second, round(rng.uniform(0.25, 0.6), 2))


def native(language: str, rng: random.Random, held_out: bool = False) -> SynthesisVoice:
    """A speaker of Spanish, French or Italian, or a mix with an English speaker; held-out ones are mixes."""
    first = rng.choice(NATIVE[language])
    if not held_out and rng.random() < NATIVE_SINGLE_SHARE:
        return KokoroVoice(first, language=language)
    second = rng.choice(HELD_OUT if held_out else TRAINED)
    return KokoroVoice(first, second, round(rng.uniform(0.2, 0.55), 2), language)


def classical(rng: random.Random) -> SynthesisVoice:
    """A voice of espeak-ng or Flite, as the first recipe weighs them."""
    known = [(voice, weight) for voice, weight in all_voices() if isinstance(voice, EspeakVoice | FliteVoice)]
    return rng.choices([voice for voice, _ in known], [weight for _, weight in known])[0]


SHARES: tuple[tuple[SpeakerSource, float], ...] = ((kokoro, 0.46), (hibari.draw, 0.36), (classical, 0.18))
"""Shares of the shards, all of which hold equally many sentences."""


def draw(rng: random.Random) -> SpeakerSource:
    """The kind of speakers of a shard."""
    return rng.choices([source for source, _ in SHARES], [share for _, share in SHARES])[0]
