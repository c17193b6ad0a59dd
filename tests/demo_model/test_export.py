"""The archive of a trained network."""

from __future__ import annotations

import io
import itertools
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from auricle_server.checkpoints.known import bundled
from auricle_server.checkpoints.load import load_checkpoint
from demo_model import export, prompts, tokenizer
from demo_model.network.model import CONTEXTS, DemoModel, Shape
from demo_model.recipes import ENGLISH, MULTILINGUAL, RECIPES, Recipe
from demo_model.texts.languages import tokenizer_text

BUNDLED = tuple(bundled.BUNDLED.values())
LIMIT_BYTES = 16_000_000
SMALL = Shape(tokens=200, channels=8, d_model=32, layers=1, heads=2, predictor=16, joint=16, left=56, prompts=128)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, few_sentences: None) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    tokenizer.train(path)
    return path


@pytest.fixture(scope="module")
def few_sentences() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "TRAINING_SENTENCES", 3000)
        yield


@pytest.fixture(scope="module")
def archive(folder: Path) -> tuple[DemoModel, Path]:
    torch.manual_seed(0)
    shape = Shape(channels=4, d_model=16, layers=1, heads=2, predictor=8, joint=8)
    out = folder / "model.nemo"
    model = DemoModel(shape)
    export.write(model, tokenizer.load(folder), folder / tokenizer.MODEL_FILE, out)
    return model, out


def member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()


def assert_no_paths(archive: Path) -> None:
    blob = archive.read_bytes()
    for place in (b"/work", b"/root", b"/tmp", b"/home"):
        assert place not in blob
    with tarfile.open(archive) as tar:
        for member in tar:
            assert member.uname == member.gname == ""
            assert "/" not in member.name


def test_archive_holds_no_paths_of_this_machine(archive: tuple[DemoModel, Path]) -> None:
    assert_no_paths(archive[1])


def test_archive_folds_the_scale_into_the_subsampling(archive: tuple[DemoModel, Path]) -> None:
    model, out = archive
    stored = torch.load(io.BytesIO(member(out, "model_weights.ckpt")), weights_only=True)
    config = yaml.safe_load(member(out, "model_config.yaml"))
    wanted = model.encoder.pre_encode.out.weight * math.sqrt(16)
    torch.testing.assert_close(stored["encoder.pre_encode.out.weight"].float(), wanted, rtol=2e-3, atol=1e-3)
    assert config["encoder"]["xscaling"] is False
    assert config["encoder"]["att_context_size"] == [list(context) for context in CONTEXTS]
    assert len(config["joint"]["vocabulary"]) == 256
    assert not [name for name in stored if name.startswith(export.TRAINING_ONLY)]


def test_the_archive_has_the_architecture_of_the_shape(archive: tuple[DemoModel, Path]) -> None:
    model, out = archive
    assert load_checkpoint(str(out)).config == export.model_config(model.shape)


@pytest.mark.parametrize(("name", "recipe"), [("demo", ENGLISH), ("demo-multilingual", MULTILINGUAL)])
def test_the_bundled_models_have_the_architecture_of_their_recipe(name: str, recipe: Recipe) -> None:
    assert load_checkpoint(name).config == export.model_config(recipe.shape)


@pytest.mark.parametrize("archive", BUNDLED, ids=lambda path: path.stem)
def test_bundled_archives_are_small_and_hold_no_paths(archive: Path) -> None:
    assert archive.stat().st_size <= LIMIT_BYTES
    assert_no_paths(archive)


@pytest.mark.parametrize("name", RECIPES)
def test_the_weights_of_every_recipe_fit_into_a_small_archive(name: str) -> None:
    size = sum(value.nbytes for value in export.weights(DemoModel(RECIPES[name].shape)).values())
    assert size <= LIMIT_BYTES - 130_000, "the tokenizer and the configuration need room, too"


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tokenizer.Tokenizer]:
    folder = tmp_path_factory.mktemp("tokenizer")
    return folder, tokenizer.train(folder, SMALL.tokens, itertools.islice(tokenizer_text(), 3000), prompts.TAGS)


def test_the_archive_is_a_prompted_checkpoint(multilingual: tuple[Path, tokenizer.Tokenizer], tmp_path: Path) -> None:
    folder, own = multilingual
    path = tmp_path / "small.nemo"
    export.write(DemoModel(SMALL), own, folder / tokenizer.MODEL_FILE, path)
    checkpoint = load_checkpoint(str(path))
    assert checkpoint.config.prompt is not None
    assert checkpoint.config.prompt.dictionary == prompts.dictionary()
    assert {"<es-ES>", "<en-US>"} <= set(checkpoint.pieces)


def test_training_goes_on_from_the_encoder_of_an_archive(
    multilingual: tuple[Path, tokenizer.Tokenizer], tmp_path: Path
) -> None:
    folder, own = multilingual
    before, after = DemoModel(SMALL), DemoModel(SMALL)
    export.write(before, own, folder / tokenizer.MODEL_FILE, tmp_path / "before.nemo")
    export.read(after, tmp_path / "before.nemo")
    mel, lengths = torch.randn(1, 100, 80), torch.tensor([100])
    expected, _ = before.encoder(mel, lengths, (56, 3))
    torch.testing.assert_close(after.encoder(mel, lengths, (56, 3))[0], expected, atol=2e-2, rtol=2e-2)
