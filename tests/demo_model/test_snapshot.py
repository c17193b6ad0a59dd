from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from demo_model import __main__ as recipe
from demo_model import snapshot, tokenizer, train
from demo_model.corpus import synthesis
from demo_model.corpus.feeder import FeederOptions
from demo_model.network.model import Shape
from demo_model.recipes import RECIPES, Recipe
from demo_model.schedule import TrainingBudget
from tests.demo_model.corpus.test_examples import shard

ROOT = Path(__file__).parents[2]
SMALL = Shape(tokens=40, mels=16, channels=4, d_model=16, layers=1, heads=2, predictor=8, joint=8)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The work folder of a training of three steps."""
    work = tmp_path / "work"
    tokenizer.train(work, 40, ["Word one and word two.", "The quick brown fox jumps over the lazy dog."])
    shard(work / "corpus", "train-00000")
    trainer = trainer_in(work)
    trainer.run()
    assert trainer.steps > 0
    return work


def trainer_in(work: Path, resume: Path | None = None) -> train.Trainer:
    feeder = FeederOptions(work / "corpus", SMALL.mels, seconds=5)
    return train.Trainer(
        train.TrainingOptions(work, work, TrainingBudget(0.02, 0.01), feeder, shape=SMALL, resume=resume)
    )


def test_another_folder_goes_on_from_a_snapshot(trained: Path, tmp_path: Path) -> None:
    snapshot.write(trained, tmp_path / "snapshots" / "small.pt")
    other = tmp_path / "other"
    snapshot.unpack(tmp_path / "snapshots" / "small.pt", other)
    assert tokenizer.load(other) == tokenizer.load(trained)
    before, after = (train.load_averaged(folder / train.STATE_FILE).state_dict() for folder in (trained, other))
    assert all(torch.allclose(after[name], value, rtol=1e-3, atol=1e-6) for name, value in before.items())
    (trained / "corpus").rename(other / "corpus")
    steps = torch.load(trained / train.STATE_FILE, weights_only=True)["steps"]
    goes_on = trainer_in(other, other / train.STATE_FILE)
    assert (goes_on.steps, goes_on.used) == (steps, 0.0)
    goes_on.run()
    assert goes_on.steps > steps


@pytest.mark.parametrize("afresh", [False, True])
def test_a_recipe_begins_with_its_snapshot_unless_told_otherwise(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, afresh: bool
) -> None:
    stored = tmp_path / "small.pt"
    snapshot.write(trained, stored)
    monkeypatch.setitem(RECIPES, "small", Recipe(tmp_path / "small.nemo", replace(SMALL, tokens=80), snapshot=stored))
    monkeypatch.setattr(synthesis, "build", lambda plan: None)
    monkeypatch.setattr(tokenizer, "TRAINING_SENTENCES", 500)
    work = tmp_path / "fresh"
    options = ["recipe", "prepare", "--recipe", "small", "--work", str(work), *(["--afresh"] if afresh else [])]
    monkeypatch.setattr("sys.argv", options)
    recipe.main()
    assert len(tokenizer.load(work).pieces) == (80 if afresh else 40)
    assert (work / train.STATE_FILE).is_file() is not afresh


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a source distribution has no snapshot")
def test_the_bundled_snapshot_fits_its_recipe(tmp_path: Path) -> None:
    bundled = [known for known in RECIPES.values() if known.snapshot is not None]
    assert bundled
    for known in bundled:
        assert known.snapshot is not None
        assert known.snapshot.stat().st_size < 17e6
        snapshot.unpack(known.snapshot, tmp_path)
        assert train.load_averaged(tmp_path / train.STATE_FILE).shape == known.shape
        assert len(tokenizer.load(tmp_path).pieces) == known.shape.tokens
