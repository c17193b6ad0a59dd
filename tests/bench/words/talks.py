"""Speech of which every word's start and end is known: held-out sentences of the demo models' voices.

The synthesisers tell when each phone sounds. Which phones are a word's is counted: as many as the word has alone, where
that adds up for the sentence; other sentences are left out.
"""

from __future__ import annotations

import multiprocessing
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo_model.audio import acoustics, phones
from demo_model.audio.utterances import UtterancePlan, compose
from demo_model.audio.voices import EspeakVoice, FestivalVoice, FliteVoice, Rendered, SynthesisVoice
from demo_model.texts.languages import BY_CODE
from demo_model.texts.sentences import Sentence, spoken_form

ENGLISH: tuple[SynthesisVoice, ...] = (
    FliteVoice("slt"),
    EspeakVoice("en-US"),
    FliteVoice("rms"),
    EspeakVoice("en-US+f3"),
    FliteVoice("awb"),
    EspeakVoice("en-US+m3"),
    FestivalVoice("cmu_us_slt_arctic_hts"),
    EspeakVoice("en"),
)
VOICES_OF_A_LANGUAGE = 3
"""Of a model of several languages."""
CONDITIONS = "clean", "noise", "telephone"
SENTENCES = 4
MOST_AT_ONCE = 8
"""Sentences of one speed and pitch."""
_NAMES_DIFFER = 0.3
"""Share of a sentence's phones that may have other names than in its words alone."""


@dataclass(frozen=True)
class TimedWord:
    """A word that was said, without punctuation and in lower case, and when it sounds in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class WordTalk:
    """Audio at 16 kHz, signed 16 bit: its language and words; clean, noisy or from a telephone."""

    code: str
    pcm: npt.NDArray[np.int16]
    words: tuple[TimedWord, ...]
    condition: str


def plain(text: str) -> str:
    """A word as it is compared: lower case, letters and apostrophes only."""
    return re.sub(r"[^\w']", "", text.lower())


def speakers(languages: Sequence[str]) -> list[tuple[str, SynthesisVoice]]:
    """Language codes and voices for a model of these languages: eight for English alone, else three of each."""
    spoken = [BY_CODE[code] for code in BY_CODE if code in languages]
    if len(spoken) == 1:
        return [(spoken[0].code, voice) for voice in ENGLISH]
    return [(each.code, voice) for each in spoken for voice, _ in each.voices[:VOICES_OF_A_LANGUAGE]]


def talks(count: int, first_seed: int, languages: Sequence[str], processes: int) -> list[WordTalk]:
    """Talks of four sentences, as many of each voice; the same for the same seeds."""
    chosen = speakers(languages)
    each = -(-count // len(chosen))
    jobs = [(code, voice, each, first_seed + number) for number, (code, voice) in enumerate(chosen)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        made = pool.starmap(_talks_of_a_voice, jobs, chunksize=1)
    return [talk for row in zip(*made, strict=True) for talk in row][:count]


def _talks_of_a_voice(code: str, voice: SynthesisVoice, count: int, seed: int) -> list[WordTalk]:
    rng = random.Random(seed)
    known = _known_sentences(BY_CODE[code].generate(rng, True), voice, rng, count * SENTENCES)
    return [
        _talk(code, [next(known) for _ in range(SENTENCES)], voice, CONDITIONS[(number + seed) % len(CONDITIONS)], rng)
        for number in range(count)
    ]


@dataclass(frozen=True)
class _Known:
    sentence: Sentence
    rendered: Rendered
    counts: list[int]


def _known_sentences(
    source: Iterator[Sentence], voice: SynthesisVoice, rng: random.Random, batch: int
) -> Iterator[_Known]:
    """Sentences in which each word's phones are known."""
    sounds: dict[str, list[phones.Phone]] = {}
    while True:
        drawn = [next(source) for _ in range(min(batch, MOST_AT_ONCE))]
        words = {word for sentence in drawn for word in _alone(sentence.text)} - sounds.keys()
        rendered = voice.render(sorted(words), random.Random(0))
        sounds |= {word: _sounding(each.phones) for word, each in zip(sorted(words), rendered, strict=True)}
        said = voice.render([sentence.text for sentence in drawn], rng)
        for sentence, whole in zip(drawn, said, strict=True):
            parts = [sounds[word] for word in _alone(sentence.text)]
            if _fits(_sounding(whole.phones), [phone for part in parts for phone in part]):
                yield _Known(sentence, whole, [len(part) for part in parts])


def _alone(text: str) -> list[str]:
    """Its words; a letter by its name, as a synthesiser reads it there."""
    return spoken_form(text).split()


def _fits(whole: list[phones.Phone], parts: list[phones.Phone]) -> bool:
    if len(whole) != len(parts):
        return False
    return sum(one.name != other.name for one, other in zip(whole, parts, strict=True)) <= _NAMES_DIFFER * len(whole)


def _sounding(aligned: list[phones.Phone]) -> list[phones.Phone]:
    return [phone for phone in aligned if phone.name != phones.SILENCE and phone.end > phone.start]


def _talk(code: str, known: list[_Known], voice: SynthesisVoice, condition: str, rng: random.Random) -> WordTalk:
    plan = UtterancePlan([each.sentence for each in known], 0.4, [rng.uniform(0.3, 1.2) for _ in known[1:]], 1.2)
    made = compose(plan, [each.rendered for each in known], voice.name, _acoustics(condition, rng), rng.getrandbits(32))
    said = iter(_sounding(made.phones))
    words = []
    for each in known:
        for text, count in zip(each.sentence.text.split(), each.counts, strict=True):
            sounds = [next(said) for _ in range(count)]
            words.append(TimedWord(plain(text), sounds[0].start, sounds[-1].end))
    return WordTalk(code, (np.clip(made.audio, -1, 1) * 32767).astype(np.int16), tuple(words), condition)


def _acoustics(condition: str, rng: random.Random) -> acoustics.Acoustics:
    speed, level = rng.uniform(0.94, 1.06), rng.uniform(-34, -16)
    if condition == "clean":
        return acoustics.Acoustics(speed=speed, level=level, floor=1e-4)
    noise, rt60 = rng.choice(("white", "pink", "brown")), rng.choice((0.0, 0.2, 0.4))
    quiet = acoustics.Acoustics(speed=speed, level=level, rt60=rt60, noise=noise, snr=rng.uniform(5, 25))
    if condition == "noise":
        return quiet
    return acoustics.Acoustics(
        speed=speed, level=level, noise=noise, snr=rng.uniform(12, 30), telephone=True, floor=1e-4
    )
