"""Folders as `transformers` saves them, written here without it; `test_transformers_parity` proves the layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from auricle_server.bench.models.transformers_writer import INDEX, MODEL, write_folder
from auricle_server.checkpoints import BadCheckpoint, CheckpointNotFound, UnsupportedModel, load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine
from tests.support import tones
from tests.support.archives import unpack

COMPUTED = ("preprocessor.featurizer.fb", "preprocessor.featurizer.window")


@pytest.fixture(scope="module")
def original() -> Checkpoint:
    return load_checkpoint(str(tones.CHECKPOINT))


@pytest.fixture
def folder(original: Checkpoint, tmp_path: Path) -> Path:
    """A sound folder, to be damaged at will."""
    return write_folder(original, tmp_path / "model")


def edit(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("shards", [1, 4])
def test_it_is_the_same_checkpoint_as_the_nemo_file(original: Checkpoint, tmp_path: Path, shards: int) -> None:
    loaded = load_checkpoint(str(write_folder(original, tmp_path, shards=shards)))
    assert (loaded.config, loaded.pieces) == (original.config, original.pieces)
    assert loaded.weights.keys() == original.weights.keys()
    assert all(torch.equal(loaded.weights[name], original.weights[name]) for name in loaded.weights.keys() - COMPUTED)


def test_computed_filters_and_window_are_those_that_nemo_stores(original: Checkpoint, folder: Path) -> None:
    loaded = load_checkpoint(str(folder))
    for name in COMPUTED:
        assert float((loaded.weights[name] - original.weights[name]).abs().max()) <= 1e-7


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened(original: Checkpoint, tmp_path: Path, dtype: torch.dtype) -> None:
    loaded = load_checkpoint(str(write_folder(original, tmp_path, dtype=dtype)))
    for name in loaded.weights.keys() - COMPUTED:
        assert loaded.weights[name].dtype == torch.float32
        assert torch.equal(loaded.weights[name], original.weights[name].to(dtype).float())


def test_the_file_itself_may_be_named(folder: Path, original: Checkpoint) -> None:
    assert load_checkpoint(str(folder / MODEL)).pieces == original.pieces


def test_names_of_earlier_versions_load(folder: Path, original: Checkpoint) -> None:
    weights = load_file(folder / MODEL)
    numbered = {"conv_in": 0, "layers.0.depthwise_conv": 2, "layers.0.pointwise_conv": 3}
    numbered |= {"layers.1.depthwise_conv": 5, "layers.1.pointwise_conv": 6}
    for part, number in numbered.items():
        for kind in ("weight", "bias"):
            value = weights.pop(f"encoder.subsampling.{part}.{kind}")
            weights[f"encoder.subsampling.layers.{number}.{kind}"] = value
    save_file(weights, folder / MODEL)
    assert load_checkpoint(str(folder)).weights.keys() == original.weights.keys()


def test_lookaheads_may_be_in_the_encoders_configuration(folder: Path) -> None:
    edit(folder / "processor_config.json", lambda content: content.pop("supported_num_lookahead_tokens"))
    assert load_checkpoint(str(folder)).config.encoder.contexts == ((70, 13),)
    edit(
        folder / "config.json", lambda content: content["encoder_config"].update(supported_num_lookahead_tokens=[1, 0])
    )
    assert load_checkpoint(str(folder)).config.encoder.contexts == ((70, 1), (70, 0))


def test_features_may_be_in_a_file_of_their_own(folder: Path, original: Checkpoint) -> None:
    processor = json.loads((folder / "processor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(processor.pop("feature_extractor")))
    (folder / "processor_config.json").write_text(json.dumps(processor))
    assert load_checkpoint(str(folder)).config == original.config


def test_features_trained_in_half_precision_are_rounded_likewise(folder: Path) -> None:
    edit(
        folder / "processor_config.json",
        lambda content: content["feature_extractor"].update(mel_filters_dtype="bfloat16"),
    )
    window = load_checkpoint(str(folder)).weights["preprocessor.featurizer.window"]
    assert torch.equal(window, torch.hann_window(400, periodic=False).bfloat16().float())


def test_a_sentencepiece_tokenizer_serves_as_well(folder: Path, original: Checkpoint, tmp_path: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BadCheckpoint, match=r"neither tokenizer\.json nor tokenizer\.model"):
        load_checkpoint(str(folder))
    model = next(unpack(tones.CHECKPOINT, tmp_path / "unpacked").glob("*tokenizer.model"))
    (folder / "tokenizer.model").write_bytes(model.read_bytes())
    assert load_checkpoint(str(folder)).pieces == original.pieces


def test_a_unigram_vocabulary_is_read(folder: Path, original: Checkpoint) -> None:
    listed = {"type": "Unigram", "vocab": [[piece, -1.0] for piece in original.pieces]}
    edit(folder / "tokenizer.json", lambda content: content.update(model=listed))
    assert load_checkpoint(str(folder)).pieces == original.pieces


def test_a_start_symbol_that_was_trained_counts(folder: Path, original: Checkpoint) -> None:
    weights = load_file(folder / MODEL)
    weights["decoder.embedding.weight"][-1] = 1.0
    save_file(weights, folder / MODEL)
    starts = [
        Engine(checkpoint, slots=1, device="cpu")._runner._model.network.start().projected  # type: ignore[attr-defined]
        for checkpoint in (load_checkpoint(str(folder)), original)
    ]
    assert float((starts[0] - starts[1]).abs().max()) > 0.01


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadCheckpoint, match=name):
        load_checkpoint(str(folder))


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_file_is_named(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(BadCheckpoint, match=name):
        load_checkpoint(str(folder))


@pytest.mark.parametrize("size", [0, 7, 500, 100_000])
def test_cut_weights_are_named(folder: Path, size: int) -> None:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes()[:size])
    with pytest.raises(BadCheckpoint, match="cut short"):
        load_checkpoint(str(folder))


def test_a_missing_shard_is_named(original: Checkpoint, tmp_path: Path) -> None:
    folder = write_folder(original, tmp_path, shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"no model-00002-of-00003\.safetensors"):
        load_checkpoint(str(folder))
    (folder / INDEX).write_text("{}")
    with pytest.raises(BadCheckpoint, match="weight_map"):
        load_checkpoint(str(folder))


def test_a_missing_parameter_is_named(folder: Path) -> None:
    weights = load_file(folder / MODEL)
    del weights["encoder.layers.0.conv.norm.weight"]
    save_file(weights, folder / MODEL)
    with pytest.raises(BadCheckpoint, match=r"encoder\.layers\.0\.conv\.batch_norm\.weight"):
        Engine(load_checkpoint(str(folder)), slots=1, device="cpu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "parakeet_ctc"}, "parakeet_ctc"),
        ({"model_type": "whisper"}, "auricle models"),
        ({"blank_token_id": 0}, "blank_token_id"),
        ({"hidden_act": "tanh"}, "activation"),
    ],
)
def test_another_model_is_refused(folder: Path, change: dict[str, Any], said: str) -> None:
    edit(folder / "config.json", lambda content: content.update(change))
    with pytest.raises(UnsupportedModel, match=said):
        load_checkpoint(str(folder))


def test_a_token_without_a_piece_is_named(folder: Path) -> None:
    edit(folder / "tokenizer.json", lambda content: content["model"]["vocab"].pop("\u2581the"))
    with pytest.raises(BadCheckpoint, match="no token"):
        load_checkpoint(str(folder))


def test_a_folder_with_a_nemo_file_too_is_read_from_its_safetensors(folder: Path, original: Checkpoint) -> None:
    (folder / "model.nemo").write_bytes(b"not looked at")
    assert load_checkpoint(str(folder)).pieces == original.pieces
    (folder / "model.nemo").write_bytes(tones.CHECKPOINT.read_bytes())
    (folder / MODEL).unlink()
    assert load_checkpoint(str(folder)).pieces == original.pieces
    (folder / "second.nemo").write_bytes(b"")
    with pytest.raises(CheckpointNotFound, match=r"2 \.nemo files"):
        load_checkpoint(str(folder))
