"""Clips become utterances: one to four sentences of a speaker with pauses, in a room, in noise, over a telephone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch

from demo_model.audio import acoustics, phones
from demo_model.audio.acoustics import Acoustics
from demo_model.audio.recordings import Recordings
from demo_model.audio.utterances import TrainingUtterance, UtterancePlan, compose, draw_pause, draw_trail
from demo_model.audio.voices import Rendered
from demo_model.corpus.clips import SentenceClip, read_shard
from demo_model.dataset import TrainingExample
from demo_model.network.features import Preprocessor
from demo_model.texts.sentences import Sentence

COUNTS = {1: 0.62, 2: 0.23, 3: 0.1, 4: 0.05}
SILENT_SHARE = 0.015
QUIET = 1e-4


@dataclass(frozen=True)
class Surroundings:
    """What the conditions are drawn from. `opus` needs PyAV."""

    recorded: Recordings = field(default_factory=Recordings)
    opus: bool = False

    def draw(self, rng: random.Random) -> Acoustics:
        """A random condition; nearly half of them are clean."""
        return acoustics.draw(rng, self.recorded, self.opus)


CLEAN = Acoustics(floor=QUIET)


def utterance(
    clips: list[SentenceClip], condition: Acoustics, rng: random.Random, recorded: Recordings
) -> TrainingUtterance:
    """Sentences of one speaker on one time line; without any, silence."""
    lead = min(1.5, rng.expovariate(1 / 0.3)) if clips else rng.uniform(0.3, 2.0)
    plan = UtterancePlan(
        [Sentence(clip.text, clip.group) for clip in clips], lead, [draw_pause(rng) for _ in clips[1:]], draw_trail(rng)
    )
    rendered = [Rendered(clip.audio.astype(np.float32) / np.float32(32768), list(clip.phones)) for clip in clips]
    voice = clips[0].voice if clips else "silence"
    return compose(plan, rendered, voice, condition, rng.getrandbits(32), recorded)


@cache
def _preprocessor(mels: int) -> Preprocessor:
    return Preprocessor(mels)


def example(made: TrainingUtterance, language: str, mels: int) -> TrainingExample:
    """An utterance as features and labels."""
    mel = _preprocessor(mels)(torch.from_numpy(made.audio)).numpy().astype(np.float16)
    labels = phones.labels(made.phones, len(mel) / 100)
    return TrainingExample(mel, labels, made.text, made.voice, made.group, made.condition.clean, language)


def grouped(clips: list[SentenceClip], rng: random.Random) -> Iterator[list[SentenceClip]]:
    """The clips of each speaker in random order, one to four at a time, and now and then none at all."""
    for _, own in itertools.groupby(clips, lambda clip: (clip.voice, clip.language)):
        waiting = list(own)
        rng.shuffle(waiting)
        while waiting:
            count = rng.choices(list(COUNTS), list(COUNTS.values()))[0]
            yield waiting[:count]
            del waiting[:count]
            if rng.random() < SILENT_SHARE:
                yield []


def training_examples(
    path: Path, rng: random.Random, surroundings: Surroundings, mels: int, clean_only: bool = False
) -> list[TrainingExample]:
    """The examples of a training shard, in conditions of their own each time."""
    made = []
    for clips in grouped(read_shard(path), rng):
        condition = surroundings.draw(rng)
        if clean_only and not condition.clean:
            continue
        language = clips[0].language if clips else "en-US"
        made.append(example(utterance(clips, condition, rng, surroundings.recorded), language, mels))
    return made


def held_out_utterances(path: Path, surroundings: Surroundings) -> Iterator[tuple[TrainingUtterance, str]]:
    """Each sentence of a held-out shard on its own and its language: always the same.

    The even ones are clean, and the odd ones are not.
    """
    rng = random.Random(path.name)
    for index, clip in enumerate(read_shard(path)):
        condition = CLEAN if index % 2 == 0 else _disturbed(surroundings, rng)
        yield utterance([clip], condition, rng, surroundings.recorded), clip.language


def held_out_examples(path: Path, surroundings: Surroundings, mels: int) -> list[TrainingExample]:
    """The examples of a held-out shard."""
    return [example(made, language, mels) for made, language in held_out_utterances(path, surroundings)]


def _disturbed(surroundings: Surroundings, rng: random.Random) -> Acoustics:
    return next(each for each in (surroundings.draw(rng) for _ in itertools.count()) if not each.clean)
