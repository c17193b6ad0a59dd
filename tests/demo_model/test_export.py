"""The tokenizer, the schedule and the archive."""

from __future__ import annotations

import io
import itertools
import math
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from auricle_server.checkpoints import bundled
from auricle_server.checkpoints.load import load_checkpoint
from demo_model import export, schedule, tokenizer
from demo_model.evaluate import edit_distance, score
from demo_model.network.model import CONTEXTS, DemoModel, Shape
from demo_model.recipes import ENGLISH, MULTILINGUAL, Recipe
from demo_model.texts import sentences

BUNDLED = tuple(bundled.BUNDLED.values())
LIMIT_BYTES = 16_000_000


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


def test_tokenizer_equals_sentencepiece(folder: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    reference = sentencepiece.SentencePieceProcessor(model_file=str(folder / tokenizer.MODEL_FILE))
    ours = tokenizer.load(folder)
    assert len(ours.pieces) == 256
    assert ours.pieces[0] == "<unk>"
    for sentence in itertools.islice(sentences.generate(random.Random(1)), 300):
        tokens = ours.encode(sentence.text)
        assert tokens == reference.encode(sentence.text)
        assert ours.decode(tokens) == sentence.text


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


def test_schedule_covers_the_budget() -> None:
    names = [schedule.stage_at(fraction / 1000).name for fraction in range(1001)]
    assert list(dict.fromkeys(names)) == [stage.name for stage in schedule.STAGES]
    rates = [schedule.rate_at(fraction / 1000) for fraction in range(1001)]
    assert max(rates) == schedule.PEAK_RATE
    assert rates[-1] == pytest.approx(schedule.PEAK_RATE * schedule.FLOOR)


def test_spec_augment_changes_little_and_no_padding() -> None:
    mel = torch.randn(3, 400, 80)
    out = schedule.spec_augment(mel, torch.tensor([400, 300, 90]), torch.Generator().manual_seed(1))
    assert (out != mel).float().mean() < 0.25
    assert torch.equal(out[2, 90:], mel[2, 90:])


def test_word_errors_are_counted() -> None:
    assert edit_distance("a b c".split(), "a x c d".split()) == 2
    result = score(["Hello, there."], ["hello there"])
    assert (result.wer, result.written_wer) == (0.0, 1.0)
