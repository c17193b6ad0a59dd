"""Speaks the training text: shards of a few minutes, in several processes, as many as are missing."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from demo_model.audio.voices import Rendered, SynthesisVoice
from demo_model.corpus import callers, lines, speakers
from demo_model.corpus.clips import SentenceClip, seconds_of, write_shard
from demo_model.texts.sentences import Sentence, generate, is_held_out

SENTENCES, PER_SPEAKER = 96, 8
PATTERN_SHARE, CALLER_SHARE = 0.22, 0.13
HELD_OUT_SHARDS = {"dev": 2, "test-neural": 7, "test-classical": 3}
SMALL_HOURS = 5.0
"""A corpus of fewer hours has one held-out shard of each kind."""
HELD_OUT_SEED = 1_000_000


@dataclass(frozen=True)
class CorpusPlan:
    """What to speak into which folder.

    Attributes:
        folder: Of the shards.
        texts: Text files; without any, all sentences are of the recipe's own patterns.
        hours: How much training speech there is at the end.
        workers: Processes.
        languages: Codes of a multilingual corpus, which has patterns and today's synthesisers only; none for English.
        classical: Whether English is spoken by espeak-ng and Flite only, which takes a fiftieth of the time.
    """

    folder: Path
    texts: tuple[Path, ...] = ()
    hours: float = 1.0
    workers: int = 1
    languages: tuple[str, ...] = ()
    classical: bool = False


def shard_names(hours: float) -> Iterator[tuple[str, int]]:
    """Names and seeds: first the held-out shards, then those of the training, without end."""
    held_out = [
        f"{kind}-{index:05d}"
        for kind, count in HELD_OUT_SHARDS.items()
        for index in range(1 if hours < SMALL_HOURS else count)
    ]
    yield from zip(held_out, itertools.count(HELD_OUT_SEED), strict=False)
    yield from ((f"train-{index:05d}", index) for index in itertools.count())


def build(plan: CorpusPlan) -> None:
    """Speak until the folder holds `hours` of training speech. Shards that are there already stay.

    SIGTERM ends it, with its processes; what they were speaking is spoken again the next time.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    plan.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    done = sum(seconds_of(path) for path in plan.folder.glob("train-*.json"))
    wanted = (item for item in shard_names(plan.hours) if not (plan.folder / f"{item[0]}.json").is_file())
    context = multiprocessing.get_context("spawn")
    with context.Pool(plan.workers, _start_worker, (plan,), maxtasksperchild=20) as pool:
        running = [pool.apply_async(_shard, item) for item in itertools.islice(wanted, 2 * plan.workers)]
        while done < plan.hours * 3600:
            done += running.pop(0).get()
            running.append(pool.apply_async(_shard, next(wanted)))
            print(f"{done / 3600:.2f} h of speech after {time.monotonic() - began:.0f} s", flush=True)
        pool.terminate()


class Script:
    """Sentences for shards: lines of the text files in turn, patterns and callers' numbers between them."""

    def __init__(self, texts: tuple[Path, ...], held_out: bool) -> None:
        self._held_out = held_out
        self._lines = lines.read(list(texts), held_out)

    def sentences(self, seed: int, count: int) -> list[Sentence]:
        """The sentences of a shard: each shard of a training has lines of its own until all are spoken."""
        rng = random.Random(seed)
        patterns = generate(rng, self._held_out)
        first = (seed % HELD_OUT_SEED) * count
        drawn = [self._draw(rng, patterns, first + index) for index in range(count)]
        return [callers.as_spoken(sentence, rng) for sentence in drawn]

    def _draw(self, rng: random.Random, patterns: Iterator[Sentence], index: int) -> Sentence:
        chance = rng.random()
        if chance < CALLER_SHARE:
            made = (callers.from_caller(rng) for _ in itertools.count())
            return next(sentence for sentence in made if is_held_out(sentence) == self._held_out)
        if chance < CALLER_SHARE + PATTERN_SHARE or not self._lines:
            return next(patterns)
        return Sentence(self._lines[index % len(self._lines)], lines.GROUP)


@dataclass
class CorpusWorker:
    """Speaks shards in a process of its own."""

    plan: CorpusPlan
    scripts: dict[bool, Script] = field(default_factory=dict)

    def speak_shard(self, name: str, seed: int) -> float:
        """Speak and write a shard; seconds of training speech in it."""
        rng, held_out = random.Random(seed), seed >= HELD_OUT_SEED
        if self.plan.languages:
            clips = self._in_languages(rng, held_out)
        else:
            if held_out not in self.scripts:
                self.scripts[held_out] = Script(self.plan.texts, held_out)
            clips = _by_speakers(self.scripts[held_out].sentences(seed, SENTENCES), self._source(name, rng), rng)
        write_shard(self.plan.folder / name, clips)
        return 0.0 if held_out else sum(clip.seconds for clip in clips)

    def _source(self, name: str, rng: random.Random) -> speakers.SpeakerSource:
        if self.plan.classical or name.startswith("test-classical"):
            return speakers.classical
        return speakers.held_out_kokoro if name.startswith(("dev", "test")) else speakers.draw(rng)

    def _in_languages(self, rng: random.Random, held_out: bool) -> list[SentenceClip]:
        from demo_model.texts.languages import BY_CODE  # the English recipe does not need the other texts

        clips = []
        for _ in range(0, SENTENCES, PER_SPEAKER):
            language = BY_CODE[rng.choice(self.plan.languages)]
            source = language.generate(rng, held_out)
            voice = rng.choices([voice for voice, _ in language.voices], [weight for _, weight in language.voices])[0]
            clips += speak([next(source) for _ in range(PER_SPEAKER)], voice, rng, language.code)
        return clips


_WORKERS: list[CorpusWorker] = []


def _start_worker(plan: CorpusPlan) -> None:
    import torch  # the neural voices use it

    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    _WORKERS.append(CorpusWorker(plan))


def _shard(name: str, seed: int) -> float:
    return _WORKERS[0].speak_shard(name, seed)


def _by_speakers(sentences: list[Sentence], source: speakers.SpeakerSource, rng: random.Random) -> list[SentenceClip]:
    clips = []
    for first in range(0, len(sentences), PER_SPEAKER):
        clips += speak(sentences[first : first + PER_SPEAKER], source(rng), rng)
    return clips


def speak(
    sentences: list[Sentence], voice: SynthesisVoice, rng: random.Random, language: str = "en-US"
) -> list[SentenceClip]:
    """The sentences in one voice."""
    rendered = voice.render([sentence.spoken for sentence in sentences], rng)
    return [
        as_clip(sentence, speech, voice.name, language) for sentence, speech in zip(sentences, rendered, strict=True)
    ]


def as_clip(sentence: Sentence, speech: Rendered, voice: str, language: str) -> SentenceClip:
    """A rendered sentence in 16 bits."""
    samples = (np.clip(speech.audio, -1, 1) * 32767).astype(np.int16)
    return SentenceClip(samples, tuple(speech.phones), sentence.text, voice, sentence.group, language)
