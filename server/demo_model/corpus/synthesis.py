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
from demo_model.corpus import lines, speakers
from demo_model.corpus.clips import SentenceClip, seconds_of, write_shard
from demo_model.corpus.scripts import HELD_OUT_SEED, Script
from demo_model.texts.sentences import Sentence

SENTENCES, PER_SPEAKER = 96, 8
NATIVE_SHARE = 0.5
"""Of speech in a language that Kokoro speaks, English aside; espeak-ng speaks the rest."""
HELD_OUT_SHARDS = {"dev": 2, "test-neural": 7, "test-classical": 3}
SMALL_HOURS = 5.0
"""A corpus of fewer hours has one held-out shard of each kind."""


@dataclass(frozen=True)
class CorpusPlan:
    """What to speak into which folder.

    Attributes:
        folder: Of the shards.
        texts: Text files; without any, all sentences are of the recipe's own patterns.
        hours: How much training speech there is at the end.
        workers: Processes.
        languages: Codes of a multilingual corpus; none for English. Text files are then told apart by their names.
        classical: Whether espeak-ng and Flite speak alone, which takes a fiftieth of the time.
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


@dataclass
class CorpusWorker:
    """Speaks shards in a process of its own."""

    plan: CorpusPlan
    scripts: dict[tuple[str, bool], Script] = field(default_factory=dict)

    def speak_shard(self, name: str, seed: int) -> float:
        """Speak and write a shard; seconds of training speech in it."""
        rng, held_out = random.Random(seed), seed >= HELD_OUT_SEED
        if self.plan.languages:
            clips = self._in_languages(name, seed, rng)
        else:
            sentences = self._script(lines.ENGLISH, held_out).sentences(seed, SENTENCES)
            clips = _by_speakers(sentences, self._source(name, rng), rng)
        write_shard(self.plan.folder / name, clips)
        return 0.0 if held_out else sum(clip.seconds for clip in clips)

    def _script(self, language: str, held_out: bool) -> Script:
        if (language, held_out) not in self.scripts:
            texts = self.plan.texts
            if self.plan.languages:
                texts = tuple(lines.of_language(texts, language))
            self.scripts[language, held_out] = Script(texts, held_out, language)
        return self.scripts[language, held_out]

    def _source(self, name: str, rng: random.Random) -> speakers.SpeakerSource:
        if self.plan.classical or name.startswith("test-classical"):
            return speakers.classical
        return speakers.held_out_kokoro if name.startswith(("dev", "test")) else speakers.draw(rng)

    def _in_languages(self, name: str, seed: int, rng: random.Random) -> list[SentenceClip]:
        clips = []
        blocks = SENTENCES // PER_SPEAKER
        for block in range(seed * blocks, (seed + 1) * blocks):
            language = rng.choice(self.plan.languages)
            voice = self._voice(language, name, rng)
            held_out = seed >= HELD_OUT_SEED
            own = HELD_OUT_SEED + block % HELD_OUT_SEED if held_out else block
            clips += speak(self._script(language, held_out).sentences(own, PER_SPEAKER), voice, rng, language)
        return clips

    def _voice(self, language: str, name: str, rng: random.Random) -> SynthesisVoice:
        """Who speaks a language in a shard; German is espeak-ng's alone."""
        from demo_model.texts.languages import BY_CODE  # the English recipe does not need the other texts

        classical = self.plan.classical or name.startswith("test-classical")
        if language == lines.ENGLISH and not classical:
            return self._source(name, rng)(rng)
        held_out = name.startswith(("dev", "test"))
        if language in speakers.NATIVE and not classical and (held_out or rng.random() < NATIVE_SHARE):
            return speakers.native(language, rng, held_out)
        known = BY_CODE[language].voices
        return rng.choices([voice for voice, _ in known], [weight for _, weight in known])[0]


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
