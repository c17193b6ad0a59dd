from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from auricle_server.checkpoints import BadCheckpoint, CheckpointNotFound, UnsupportedModel, load_checkpoint
from auricle_server.engine import Engine
from tests.support.archives import unpack
from tests.support.tones import CHECKPOINT


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


def edit_config(folder: Path, section: str, **values: object) -> None:
    path = folder / "model_config.yaml"
    config = yaml.safe_load(path.read_text())
    config[section] = {**config[section], **values}
    path.write_text(yaml.safe_dump(config))


def test_a_nemo_file_loads() -> None:
    checkpoint = load_checkpoint(str(CHECKPOINT))
    assert len(checkpoint.pieces) == 64
    assert checkpoint.config.encoder.contexts == ((70, 13), (70, 6), (70, 1), (70, 0))
    assert checkpoint.config.frame_seconds == pytest.approx(0.08)
    assert all(weight.dtype == torch.float32 for weight in checkpoint.weights.values())


def test_a_folder_loads_unpacked_or_with_one_archive(unpacked: Path, tmp_path: Path) -> None:
    holder = tmp_path / "holder"
    holder.mkdir()
    (holder / "model.nemo").write_bytes(CHECKPOINT.read_bytes())
    whole = load_checkpoint(str(CHECKPOINT))
    for folder in (unpacked, holder):
        loaded = load_checkpoint(str(folder))
        assert loaded.pieces == whole.pieces
        assert all(torch.equal(loaded.weights[name], whole.weights[name]) for name in whole.weights)


def test_half_precision_weights_are_widened(unpacked: Path) -> None:
    path = unpacked / "model_weights.ckpt"
    weights = torch.load(path, weights_only=True)
    torch.save({name: value.half() for name, value in weights.items()}, path)
    assert all(weight.dtype == torch.float32 for weight in load_checkpoint(str(unpacked)).weights.values())


def test_a_wrong_class_is_refused_by_name(unpacked: Path) -> None:
    path = unpacked / "model_config.yaml"
    path.write_text(path.read_text().replace("EncDecRNNTBPEModel", "EncDecCTCModelBPE"))
    with pytest.raises(UnsupportedModel, match="EncDecCTCModelBPE"):
        load_checkpoint(str(unpacked))


@pytest.mark.parametrize("name", ["EncDecRNNTBPEEOUModel", "EncDecHybridRNNTCTCBPEEOUModel"])
def test_classes_that_mark_the_end_of_an_utterance_load(unpacked: Path, name: str) -> None:
    path = unpacked / "model_config.yaml"
    path.write_text(path.read_text().replace("EncDecRNNTBPEModel", name))
    assert len(load_checkpoint(str(unpacked)).pieces) == 64


def test_features_without_stored_constants_are_computed(unpacked: Path) -> None:
    path = unpacked / "model_weights.ckpt"
    weights = torch.load(path, weights_only=True)
    kept = {name: value for name, value in weights.items() if not name.startswith("preprocessor.")}
    torch.save(kept, path)
    found = load_checkpoint(str(unpacked)).weights
    for name in weights.keys() - kept.keys():
        assert float((found[name] - weights[name]).abs().max()) <= 1e-7


def test_a_single_context_is_as_good_as_a_list(unpacked: Path) -> None:
    edit_config(unpacked, "encoder", att_context_size=[70, 1])
    engine = Engine(load_checkpoint(str(unpacked)), slots=1, device="cpu")
    assert engine.info.latencies_ms == (160,)


def test_missing_and_misshapen_parameters_are_named(unpacked: Path) -> None:
    path = unpacked / "model_weights.ckpt"
    weights = torch.load(path, weights_only=True)
    missing = {name: value for name, value in weights.items() if name != "joint.enc.weight"}
    torch.save(missing, path)
    with pytest.raises(BadCheckpoint, match=r"joint\.enc\.weight"):
        Engine(load_checkpoint(str(unpacked)), slots=1, device="cpu")
    torch.save({**weights, "joint.enc.bias": torch.zeros(7)}, path)
    with pytest.raises(BadCheckpoint, match=r"joint\.enc\.bias has shape \(7,\)"):
        Engine(load_checkpoint(str(unpacked)), slots=1, device="cpu")


def test_a_tokenizer_of_another_model_is_refused(unpacked: Path) -> None:
    edit_config(unpacked, "joint", num_classes=65)
    with pytest.raises(BadCheckpoint, match="tokenizer has 64 pieces"):
        load_checkpoint(str(unpacked))


def test_a_missing_path_says_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match="demo"):
        load_checkpoint(str(tmp_path / "nowhere.nemo"))
    with pytest.raises(CheckpointNotFound, match="neither a"):
        load_checkpoint(str(tmp_path))


def test_the_package_alone_loads_no_tensor_library() -> None:
    code = (
        "import sys, auricle_server.checkpoints, auricle_server.engine; "
        "print(sorted({'torch', 'nemo', 'triton'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_replica_of_the_multilingual_contexts_has_its_own_default(unpacked: Path) -> None:
    edit_config(unpacked, "encoder", att_context_size=[[56, 3], [56, 0], [56, 6], [56, 13]])
    engine = Engine(load_checkpoint(str(unpacked)), slots=1, device="cpu")
    assert (engine.info.latencies_ms, engine.info.default_latency_ms) == ((80, 320, 560, 1120), 320)
