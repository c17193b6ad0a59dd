"""The small files of a folder as `transformers` saves it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auricle_server.bench.models.transformers_writer import config_json, processor_json
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.safetensors.config import (
    INDEX_NAME,
    WEIGHTS_NAME,
    folder_config,
    holds_safetensors,
    indexed_files,
    read_json,
    weight_files,
)
from tests.support.tones import CHECKPOINT


@pytest.mark.parametrize("name", [WEIGHTS_NAME, INDEX_NAME])
def test_weights_or_their_index_make_such_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert not holds_safetensors(tmp_path)
    (tmp_path / name).rmdir()
    (tmp_path / name).touch()
    assert holds_safetensors(tmp_path)


def test_without_an_index_there_is_one_file(tmp_path: Path) -> None:
    assert weight_files(tmp_path) == [tmp_path / WEIGHTS_NAME]


def test_an_index_names_each_file_once_and_none_outside_the_folder(tmp_path: Path) -> None:
    placed = {"a": "model-2.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors", "d": "../../secret"}
    (tmp_path / INDEX_NAME).write_text(json.dumps({"weight_map": placed}))
    assert weight_files(tmp_path) == [
        tmp_path / name for name in ("model-1.safetensors", "model-2.safetensors", "secret")
    ]


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": ["model.safetensors"]}])
def test_an_index_without_files_is_refused(index: dict[str, object]) -> None:
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors\.index\.json has no weight_map"):
        indexed_files(index)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"has no a\.json; it is not a complete checkpoint"),
        (b"{", r"a\.json is not JSON"),
        (b"\xff", r"a\.json is not JSON"),
        (b"[]", r"a\.json holds no JSON object"),
    ],
)
def test_a_file_that_is_no_object_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BadCheckpoint, match=said):
        read_json(tmp_path / "a.json")


def test_features_come_from_either_file_and_the_newer_one_wins(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(CHECKPOINT))
    processor = processor_json(checkpoint)
    (tmp_path / "config.json").write_text(json.dumps(config_json(checkpoint)))
    with pytest.raises(BadCheckpoint, match=r"neither processor_config\.json nor preprocessor_config\.json"):
        folder_config(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor["feature_extractor"] | {"n_fft": 1024}))
    assert folder_config(tmp_path)[0].mel.n_fft == 1024
    older = {"feature_extractor": processor["feature_extractor"] | {"n_fft": 1024}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(older))
    (tmp_path / "processor_config.json").write_text(json.dumps(processor))
    config, extractor = folder_config(tmp_path)
    assert config == checkpoint.config
    assert extractor.get("mel_filters_dtype") == "float32"
