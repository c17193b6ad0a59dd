from __future__ import annotations

import subprocess
import sys
import tarfile
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


def test_a_gzipped_archive_with_dot_slash_names_loads(unpacked: Path, tmp_path: Path) -> None:
    path = tmp_path / "gzipped.nemo"
    with tarfile.open(path, "w:gz") as archive:
        for member in unpacked.iterdir():
            archive.add(member, f"./{member.name}")
    assert load_checkpoint(str(path)).pieces == load_checkpoint(str(CHECKPOINT)).pieces


def test_half_precision_weights_are_widened(unpacked: Path) -> None:
    path = unpacked / "model_weights.ckpt"
    weights = torch.load(path, weights_only=True)
    torch.save({name: value.half() for name, value in weights.items()}, path)
    assert all(weight.dtype == torch.float32 for weight in load_checkpoint(str(unpacked)).weights.values())


@pytest.mark.parametrize("size", [0, 100, 5_000, 200_000, 1_300_000])
def test_a_truncated_file_is_named_as_such(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.nemo"
    path.write_bytes(CHECKPOINT.read_bytes()[:size])
    with pytest.raises(BadCheckpoint, match=r"cut\.nemo|no model_|cannot be read"):
        load_checkpoint(str(path))


def test_any_other_file_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "notes.nemo"
    path.write_text("not a checkpoint at all")
    with pytest.raises(BadCheckpoint, match="not a readable"):
        load_checkpoint(str(path))


def test_an_archive_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "other.nemo"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "something.py")
    with pytest.raises(BadCheckpoint, match="has no model_config"):
        load_checkpoint(str(path))


def test_weights_that_would_run_code_are_refused(unpacked: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return print, ("owned",)

    torch.save({"weight": Evil()}, unpacked / "model_weights.ckpt")
    with pytest.raises(BadCheckpoint, match="cannot be read as weights"):
        load_checkpoint(str(unpacked))


def test_a_wrong_class_is_refused_by_name(unpacked: Path) -> None:
    path = unpacked / "model_config.yaml"
    path.write_text(path.read_text().replace("EncDecRNNTBPEModel", "EncDecCTCModelBPE"))
    with pytest.raises(UnsupportedModel, match="EncDecCTCModelBPE"):
        load_checkpoint(str(unpacked))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("EncDecCTCModelBPE", "CTC has no prediction network"),
        ("EncDecMultiTaskModel", "needs the whole recording"),
        ("EncDecMultiTalkerRNNTBPEModel", "who speaks"),
        ("EncDecRNNTModel", "spells characters"),
        ("EncDecHybridRNNTCTCModel", "spells characters"),
        ("EncDecSpeakerLabelModel", "not one of the family"),
    ],
)
def test_a_relative_is_refused_with_the_reason(unpacked: Path, name: str, reason: str) -> None:
    path = unpacked / "model_config.yaml"
    path.write_text(path.read_text().replace("EncDecRNNTBPEModel", name))
    with pytest.raises(UnsupportedModel, match=reason) as refused:
        load_checkpoint(str(unpacked))
    assert "auricle models" in str(refused.value)


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


def test_another_tokenizer_is_refused(unpacked: Path) -> None:
    edit_config(unpacked, "tokenizer", type="agg")
    with pytest.raises(UnsupportedModel, match=r"tokenizer\.type is 'agg'"):
        load_checkpoint(str(unpacked))


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("encoder", {"att_context_style": "regular", "att_context_size": [[70, 13], [70, 1]]}),
        ("encoder", {"causal_downsampling": False}),
        ("encoder", {"subsampling_factor": 4}),
        ("encoder", {"conv_norm_type": "instance_norm"}),
        ("encoder", {"att_context_size": [[-1, -1]]}),
        ("encoder", {"conv_context_style": "dcc"}),
        ("encoder", {"reduction": "pooling"}),
        ("encoder", {"att_context_style": "chunked_limited_with_rc"}),
        ("preprocessor", {"normalize": "per_feature"}),
        ("preprocessor", {"sample_rate": 8000}),
        ("decoder", {"normalization_mode": "layer"}),
        ("decoder", {"_target_": "nemo.collections.asr.modules.StatelessTransducerDecoder"}),
    ],
)
def test_an_architecture_that_does_not_stream_is_refused_with_the_reason(
    unpacked: Path, section: str, values: dict[str, object]
) -> None:
    edit_config(unpacked, section, **values)
    with pytest.raises(UnsupportedModel, match=next(iter(values))):
        load_checkpoint(str(unpacked))


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
