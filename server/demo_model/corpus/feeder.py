"""A process that makes batches of examples while another one trains on them."""

from __future__ import annotations

import multiprocessing
import queue
import random
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, Self

from demo_model.audio import recordings
from demo_model.corpus.examples import Surroundings, held_out_examples, training_examples
from demo_model.dataset import TrainingExample, batches

POOL_SHARDS = 10
WAITING_BATCHES = 24
WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class FeederOptions:
    """Where the shards lie, and what batches to make of them.

    Attributes:
        folder: Of the shards; those that are written meanwhile are read in the next pass.
        mels: Bands of log-mel.
        seconds: Padded audio in a batch.
        noise: Folder of recorded noises and rooms, or None.
        opus: Whether some speech goes through Opus, which needs PyAV.
        seed: Of order and conditions.
    """

    folder: Path
    mels: int = 80
    seconds: float = 80.0
    noise: Path | None = None
    opus: bool = False
    seed: int = 0

    def surroundings(self, held_out: bool = False) -> Surroundings:
        """What the conditions are drawn from; the recordings of held-out ones are none of the training's."""
        return Surroundings(recordings.read(self.noise, held_out), self.opus)


def held_out(options: FeederOptions, prefix: str = "test") -> list[TrainingExample]:
    """The held-out examples whose shards' names begin with `prefix`."""
    surroundings = options.surroundings(held_out=True)
    paths = sorted(options.folder.glob(f"{prefix}*.json"))
    return [example for path in paths for example in held_out_examples(path, surroundings, options.mels)]


def training_batches(options: FeederOptions, clean_only: Any = None) -> Iterator[list[TrainingExample]]:
    """Endless batches; `clean_only.value` says whether noisy speech is left out.

    Raises:
        FileNotFoundError: The folder has no training shards.
    """
    rng, surroundings = random.Random(options.seed), options.surroundings()
    while True:
        shards = sorted(options.folder.glob("train-*.json"))
        if not shards:
            raise FileNotFoundError(f"no training shards in {options.folder}: run the prepare step first")
        rng.shuffle(shards)
        for first in range(0, len(shards), POOL_SHARDS):
            clean = clean_only is not None and bool(clean_only.value)
            made = [
                example
                for path in shards[first : first + POOL_SHARDS]
                for example in training_examples(path, rng, surroundings, options.mels, clean)
            ]
            yield from batches(made, options.seconds, rng)


def _run(options: FeederOptions, clean_only: Any, out: Any) -> None:
    import torch

    torch.set_num_threads(1)
    try:
        for batch in training_batches(options, clean_only):
            out.put(batch)
    except FileNotFoundError as error:
        out.put(error)


class Feeder:
    """Batches from another process. Use it as a context; `next_batch` waits for one."""

    def __init__(self, options: FeederOptions) -> None:
        context = multiprocessing.get_context("spawn")
        self._clean_only: Synchronized[int] = context.Value("b", 0)
        self._queue = context.Queue(WAITING_BATCHES)
        self._process = context.Process(target=_run, args=(options, self._clean_only, self._queue), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def set_clean_only(self, clean_only: bool) -> None:
        """Leave noisy speech out of the batches that are made from now on."""
        self._clean_only.value = int(clean_only)

    def next_batch(self) -> list[TrainingExample]:
        """The next batch.

        Raises:
            FileNotFoundError: There are no training shards.
            RuntimeError: The process that makes the batches has ended.
        """
        while True:
            try:
                item: list[TrainingExample] | FileNotFoundError = self._queue.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                if not self._process.is_alive():
                    raise RuntimeError("the process that makes batches has ended: see its error above") from None
                continue
            if isinstance(item, FileNotFoundError):
                raise item
            return item
