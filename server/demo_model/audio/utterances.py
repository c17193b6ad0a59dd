"""Utterances: one to many sentences of one voice with pauses, silence around them and an acoustic condition."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from demo_model.audio import acoustics, phones
from demo_model.audio.recordings import Recordings
from demo_model.audio.voices import SAMPLE_RATE, Audio, Rendered, SynthesisVoice
from demo_model.texts.sentences import Sentence, SentenceSource, generate

SENTENCES_PER_UTTERANCE = {1: 0.68, 2: 0.2, 3: 0.07, 4: 0.035, 0: 0.015}
LONG_SHARE = 0.008
LONG_SENTENCES = (7, 10)


@dataclass(frozen=True)
class SentenceTurn:
    """A sentence in an utterance: its text, and when it sounds in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class TrainingUtterance:
    """Audio at 16 kHz with its sentences, phones and acoustic condition."""

    audio: Audio
    turns: list[SentenceTurn]
    phones: list[phones.Phone]
    voice: str
    group: str
    condition: acoustics.Acoustics

    @property
    def text(self) -> str:
        """The texts of all sentences, joined."""
        return " ".join(turn.text for turn in self.turns)


@dataclass(frozen=True)
class UtterancePlan:
    """Sentences of an utterance and the silences around them, in seconds. `pauses` is shorter by one."""

    sentences: list[Sentence]
    lead: float
    pauses: list[float]
    trail: float


def draw_plan(
    rng: random.Random,
    held_out: bool = False,
    count: int | None = None,
    generate: SentenceSource = generate,
) -> UtterancePlan:
    """A random plan: the number of sentences (or `count`), the sentences and the silences."""
    if count is None:
        count = rng.choices(list(SENTENCES_PER_UTTERANCE), weights=list(SENTENCES_PER_UTTERANCE.values()))[0]
        if count > 0 and rng.random() < LONG_SHARE:
            count = rng.randint(*LONG_SENTENCES)
    source = generate(rng, held_out)
    pauses = [draw_pause(rng) for _ in range(count - 1)]
    lead = min(1.5, rng.expovariate(1 / 0.3)) if count else rng.uniform(0.3, 2.0)
    return UtterancePlan([next(source) for _ in range(count)], lead, pauses, draw_trail(rng))


def draw_pause(rng: random.Random) -> float:
    """Seconds of silence between two sentences: 0.15 to 2 s, half a second on average."""
    return min(2.0, 0.15 + rng.expovariate(1 / 0.35))


def draw_trail(rng: random.Random) -> float:
    """Seconds of silence after the speech: 0.02 to 1.5 s, most often about 0.3 s."""
    if rng.random() < 0.2:
        return rng.uniform(0.02, 0.2)
    return rng.uniform(0.2, 0.5) if rng.random() < 0.6 else rng.uniform(0.5, 1.5)


def compose(
    plan: UtterancePlan,
    rendered: list[Rendered],
    voice: str,
    condition: acoustics.Acoustics,
    seed: int,
    recorded: Recordings = Recordings(),  # noqa: B008
) -> TrainingUtterance:
    """Put the rendered sentences of a plan on one time line, in one acoustic condition."""
    pieces: list[Audio] = [np.zeros(int(plan.lead * SAMPLE_RATE), np.float32)]
    if not plan.sentences:
        pieces.append(np.zeros(int(plan.trail * SAMPLE_RATE), np.float32))
    gaps = [*plan.pauses, plan.trail][: len(plan.sentences)]
    aligned: list[phones.Phone] = []
    turns: list[SentenceTurn] = []
    for sentence, speech, gap in zip(plan.sentences, rendered, gaps, strict=True):
        at = sum(map(len, pieces)) / SAMPLE_RATE
        moved = phones.shifted(speech.phones, at, 1 / condition.speed)
        start, end = phones.speech_span(moved)
        turns.append(SentenceTurn(sentence.text, round(start, 3), round(end, 3)))
        aligned += moved
        pieces += [acoustics.change_speed(speech.audio, condition.speed), np.zeros(int(gap * SAMPLE_RATE), np.float32)]
    audio = acoustics.apply(np.concatenate(pieces), condition, seed, recorded)
    group = plan.sentences[0].group if plan.sentences else "silence"
    return TrainingUtterance(audio, turns, aligned, voice, group, condition)


def make(
    voice: SynthesisVoice, plans: list[UtterancePlan], rng: random.Random, clean: bool = False
) -> list[TrainingUtterance]:
    """Renders plans in one voice, each in a random acoustic condition or all in clean ones."""
    texts = [[sentence.text for sentence in plan.sentences] for plan in plans]
    if voice.starts_slowly:
        flat = iter(voice.render([text for group in texts for text in group], rng))
        rendered = [[next(flat) for _ in group] for group in texts]
    else:
        rendered = [voice.render(group, rng) if group else [] for group in texts]
    made = []
    for plan, speech in zip(plans, rendered, strict=True):
        condition = acoustics.Acoustics(floor=1e-4) if clean else acoustics.draw(rng)
        made.append(compose(plan, speech, voice.name, condition, rng.getrandbits(32)))
    return made
