"""Synthesises the training data: utterances in parallel processes, log-mel in half precision, written as shards."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.pool
import os
import random
import time
from pathlib import Path

import numpy as np
import torch

from demo_model.audio import phones
from demo_model.audio.utterances import TrainingUtterance, draw_plan, make
from demo_model.audio.voices import all_voices
from demo_model.dataset import TrainingExample
from demo_model.network.features import Preprocessor
from demo_model.texts.sentences import SentenceSource, generate

UTTERANCES_PER_JOB = 24
JOBS_PER_SHARD = 12
TEST_SEED = 1_000_000
HELD_OUT_JOBS = 300


def _example(utterance: TrainingUtterance, language: str, preprocessor: Preprocessor) -> TrainingExample:
    mel = preprocessor(torch.from_numpy(utterance.audio)).numpy().astype(np.float16)
    labels = phones.labels(utterance.phones, len(mel) / 100)
    return TrainingExample(
        mel, labels, utterance.text, utterance.voice, utterance.group, utterance.condition.clean, language
    )


def _job(seed: int, held_out: bool, languages: tuple[str, ...]) -> tuple[str, list[TrainingUtterance]]:
    """Utterances of one voice, and their language; without `languages`, English in all voices of the first recipe."""
    rng = random.Random(seed)
    source: SentenceSource = generate
    code, voices = "en-US", all_voices()
    if languages:
        from demo_model.texts.languages import BY_CODE  # the English recipe does not need the other texts

        language = BY_CODE[rng.choice(languages)]
        code, source, voices = language.code, language.generate, list(language.voices)
    voice = rng.choices([voice for voice, _ in voices], weights=[weight for _, weight in voices])[0]
    count = 1 if held_out else None
    size = 2 if held_out else UTTERANCES_PER_JOB
    return code, make(voice, [draw_plan(rng, held_out, count, source) for _ in range(size)], rng)


def _write_shard(
    folder: str, mels: int, first_seed: int, jobs: int, held_out: bool, languages: tuple[str, ...]
) -> float:
    torch.set_num_threads(1)
    preprocessor = Preprocessor(mels)
    made = [_job(seed, held_out, languages) for seed in range(first_seed, first_seed + jobs)]
    examples = [_example(utterance, code, preprocessor) for code, utterances in made for utterance in utterances]
    meta = [
        {"text": e.text, "voice": e.voice, "group": e.group, "clean": e.clean, "language": e.language, "T": len(e.mel)}
        for e in examples
    ]
    path = Path(folder) / f"{'test' if held_out else 'train'}-{first_seed:08d}.npz"
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.savez(
            stream,
            mel=np.concatenate([e.mel for e in examples]),
            labels=np.concatenate([e.labels for e in examples]),
            label_counts=np.array([len(e.labels) for e in examples]),
            meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
        )
    part.replace(path)
    return sum(len(e.mel) for e in examples) / 100


def build(
    folder: Path,
    hours: float,
    mels: int,
    seed: int = 0,
    workers: int | None = None,
    languages: tuple[str, ...] = (),
) -> None:
    """Writes one shard of held-out sentences, then shards of training data with `hours` of audio in all.

    `languages` are codes of `demo_model.texts.languages`; none of them: the English recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    workers = workers or os.cpu_count() or 1
    began, done = time.monotonic(), 0.0
    held_out_jobs = HELD_OUT_JOBS * max(1, len(languages) // 2)
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=8) as pool:
        if seed == 0:
            pool.apply(_write_shard, (str(folder), mels, TEST_SEED, held_out_jobs, True, languages))
        starts = range(seed * TEST_SEED * 2, seed * TEST_SEED * 2 + 1_000_000, JOBS_PER_SHARD)
        pending = iter(starts)
        running = [_submit(pool, folder, mels, next(pending), languages) for _ in range(workers + 1)]
        while done < hours * 3600:
            done += running.pop(0).get()
            running.append(_submit(pool, folder, mels, next(pending), languages))
            print(f"{done / 3600:.2f} h of audio after {time.monotonic() - began:.0f} s", flush=True)
        pool.terminate()


def _submit(
    pool: multiprocessing.pool.Pool, folder: Path, mels: int, start: int, languages: tuple[str, ...]
) -> multiprocessing.pool.AsyncResult[float]:
    return pool.apply_async(_write_shard, (str(folder), mels, start, JOBS_PER_SHARD, False, languages))
