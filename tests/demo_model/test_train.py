from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from demo_model import tokenizer, train
from demo_model.corpus.feeder import FeederOptions, training_batches
from demo_model.dataset import TrainingExample, batches, collate, padded_length
from demo_model.network.model import Shape
from demo_model.schedule import TrainingBudget
from tests.demo_model.corpus.test_examples import shard

SMALL = Shape(tokens=40, mels=16, channels=4, d_model=16, layers=1, heads=2, predictor=16, joint=16)
LINES = ["The quick brown fox jumps over the lazy dog."] * 3
PAST_THE_STAGES_BY_STEPS = 5000


def losses(folder: Path, lines: Sequence[str], steps: int) -> list[dict[str, float]]:
    tokenizer.train(folder, 40, ["Word one and word two.", *LINES])
    shard(folder / "corpus", "train-00000")
    feeder = FeederOptions(folder / "corpus", SMALL.mels, seconds=5)
    budget = TrainingBudget(1000, 1)
    trainer = train.Trainer(
        train.TrainingOptions(folder, folder, budget, feeder, peak_rate=0.02, shape=SMALL, lines=lines)
    )
    trainer.steps = PAST_THE_STAGES_BY_STEPS
    batch = collate(next(training_batches(feeder)))
    return [trainer.step(batch) for _ in range(steps)]


def test_the_prediction_network_learns_lines_that_are_not_spoken(tmp_path: Path) -> None:
    each = losses(tmp_path, LINES, 40)
    assert each[-1]["text"] < 0.9 * each[0]["text"]
    assert each[-1]["rnnt"] < each[0]["rnnt"]


def test_without_lines_there_is_only_speech(tmp_path: Path) -> None:
    [only] = losses(tmp_path, (), 1)
    assert set(only) == {"phone", "ctc", "rnnt", "norm"}


def test_every_batch_but_the_last_one_is_full() -> None:
    rng = random.Random(1)
    examples = [
        TrainingExample(np.zeros((rng.randint(50, 1500), 4), np.float16), np.zeros(1, np.int8), "A.", "v", "g", True)
        for _ in range(300)
    ]
    made = list(batches(examples, 40.0, rng))
    assert sorted(map(id, (each for batch in made for each in batch))) == sorted(map(id, examples))
    padded = [len(batch) * max(padded_length(len(each.mel)) for each in batch) for batch in made]
    assert max(padded) <= 4000
    assert sum(frames < 2400 for frames in padded) <= 1
