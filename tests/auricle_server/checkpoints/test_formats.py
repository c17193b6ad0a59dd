"""Which file or folder is read of what is at a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints import CheckpointNotFound
from auricle_server.checkpoints.formats import StoredAs, find_checkpoint

SUPPORTED = '{"model_type": "nemotron3_5_asr"}'


def fill(folder: Path, *names: str, config: str = SUPPORTED) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(config if name == "config.json" else "{}")
    return folder


SAFETENSORS = ("config.json", "model.safetensors", "processor_config.json", "tokenizer.json")


def test_a_file_is_an_archive_or_stands_for_its_folder(tmp_path: Path) -> None:
    fill(tmp_path, *SAFETENSORS, "a.nemo")
    assert find_checkpoint(tmp_path / "a.nemo") == (StoredAs.ARCHIVE, tmp_path / "a.nemo")
    assert find_checkpoint(tmp_path / "model.safetensors") == (StoredAs.SAFETENSORS, tmp_path)


def test_in_a_folder_complete_safetensors_precede_a_nemo_file(tmp_path: Path) -> None:
    assert find_checkpoint(fill(tmp_path, *SAFETENSORS, "a.nemo")) == (StoredAs.SAFETENSORS, tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    assert find_checkpoint(tmp_path) == (StoredAs.ARCHIVE, tmp_path / "a.nemo")
    (tmp_path / "a.nemo").unlink()
    assert find_checkpoint(tmp_path) == (StoredAs.SAFETENSORS, tmp_path)  # the reader says what is missing


def test_safetensors_of_a_class_that_is_not_read_give_way(tmp_path: Path) -> None:
    fill(tmp_path, *SAFETENSORS, "a.nemo", config='{"model_type": "parakeet_ctc"}')
    assert find_checkpoint(tmp_path) == (StoredAs.ARCHIVE, tmp_path / "a.nemo")


def test_an_unpacked_archive_precedes_everything(tmp_path: Path) -> None:
    fill(tmp_path, *SAFETENSORS, "a.nemo", "model_config.yaml")
    assert find_checkpoint(tmp_path) == (StoredAs.UNPACKED, tmp_path)


def test_a_file_of_an_unpacked_archive_stands_for_its_folder(tmp_path: Path) -> None:
    fill(tmp_path, "model_config.yaml", "model_weights.ckpt")
    for name in ("model_config.yaml", "model_weights.ckpt"):
        assert find_checkpoint(tmp_path / name) == (StoredAs.UNPACKED, tmp_path)
    (tmp_path / "model_config.yaml").unlink()
    assert find_checkpoint(tmp_path / "model_weights.ckpt")[0] is StoredAs.ARCHIVE  # its reader says what it is


def test_what_holds_none_or_too_many_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match="no such file or folder"):
        find_checkpoint(tmp_path / "none")
    with pytest.raises(CheckpointNotFound, match="holds neither"):
        find_checkpoint(tmp_path)
    with pytest.raises(CheckpointNotFound, match=r"holds 2 \.nemo files; name the one"):
        find_checkpoint(fill(tmp_path, "a.nemo", "b.nemo"))
