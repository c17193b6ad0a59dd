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

from . import phones
from .dataset import Example
from .features import Preprocessor
from .utterances import Utterance, draw_plan, make
from .voices import all_voices

UTTERANCES_PER_JOB = 24
JOBS_PER_SHARD = 12
TEST_SEED = 1_000_000


def _example(utterance: Utterance, preprocessor: Preprocessor) -> Example:
    mel = preprocessor(torch.from_numpy(utterance.audio)).numpy().astype(np.float16)
    labels = phones.labels(utterance.phones, len(mel) / 100)
    return Example(mel, labels, utterance.text, utterance.voice, utterance.group, utterance.condition.clean)


def _job(seed: int, held_out: bool) -> list[Utterance]:
    rng = random.Random(seed)
    voices = all_voices()
    voice = rng.choices([voice for voice, _ in voices], weights=[weight for _, weight in voices])[0]
    count = 1 if held_out else None
    size = 2 if held_out else UTTERANCES_PER_JOB
    return make(voice, [draw_plan(rng, held_out, count) for _ in range(size)], rng)


def _write_shard(folder: str, mels: int, first_seed: int, jobs: int, held_out: bool) -> float:
    torch.set_num_threads(1)
    preprocessor = Preprocessor(mels)
    examples = [
        _example(u, preprocessor) for seed in range(first_seed, first_seed + jobs) for u in _job(seed, held_out)
    ]
    meta = [{"text": e.text, "voice": e.voice, "group": e.group, "clean": e.clean, "T": len(e.mel)} for e in examples]
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


def build(folder: Path, hours: float, mels: int, seed: int = 0, workers: int | None = None, log: bool = True) -> None:
    """Write shards of training data until `hours` of audio are there, and one shard of held-out sentences first."""
    folder.mkdir(parents=True, exist_ok=True)
    workers = workers or os.cpu_count() or 1
    began, done = time.monotonic(), 0.0
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=8) as pool:
        if seed == 0:
            pool.apply(_write_shard, (str(folder), mels, TEST_SEED, 300, True))
        starts = range(seed * TEST_SEED * 2, seed * TEST_SEED * 2 + 1_000_000, JOBS_PER_SHARD)
        pending = iter(starts)
        running = [_submit(pool, folder, mels, next(pending)) for _ in range(workers + 1)]
        while done < hours * 3600:
            done += running.pop(0).get()
            running.append(_submit(pool, folder, mels, next(pending)))
            if log:
                print(f"{done / 3600:.2f} h of audio after {time.monotonic() - began:.0f} s", flush=True)
        pool.terminate()


def _submit(
    pool: multiprocessing.pool.Pool, folder: Path, mels: int, start: int
) -> multiprocessing.pool.AsyncResult[float]:
    return pool.apply_async(_write_shard, (str(folder), mels, start, JOBS_PER_SHARD, False))
