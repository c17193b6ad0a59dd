"""Folders of safetensors that are damaged or made to do harm are refused in words, at once."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from auricle_server.bench.models.transformers_writer import config_json, processor_json, write_folder
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.formats import StoredAs, find_checkpoint
from auricle_server.checkpoints.known.facts import facts
from tests.support.hostile import ABSURD, refused
from tests.support.tones import CHECKPOINT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration as transformers saves it; it is read before anything else."""
    checkpoint = load_checkpoint(str(CHECKPOINT))
    path = tmp_path / "saved"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config_json(checkpoint)))
    (path / "processor_config.json").write_text(json.dumps(processor_json(checkpoint)))
    (path / "model.safetensors").write_bytes(b"")
    (path / "tokenizer.json").write_text("{}")
    return path


def edit_json(path: Path, key: str, value: object) -> None:
    tree = json.loads(path.read_text())
    inner = tree
    *sections, last = key.split(".")
    for section in sections:
        inner = inner[section]
    inner[last] = value
    path.write_text(json.dumps(tree))


@pytest.mark.parametrize(
    "key",
    [
        "vocab_size",
        "decoder_hidden_size",
        "num_decoder_layers",
        "max_symbols_per_step",
        "encoder_config.hidden_size",
        "encoder_config.intermediate_size",
        "encoder_config.num_hidden_layers",
        "encoder_config.num_attention_heads",
        "encoder_config.conv_kernel_size",
        "encoder_config.subsampling_conv_channels",
        "encoder_config.sliding_window",
    ],
)
def test_every_number_of_a_folder_is_checked(folder: Path, key: str) -> None:
    for value in (0, *ABSURD):
        edit_json(folder / "config.json", key, value)
        with refused(rf"config\.json: {key.replace('.', '[.]')} is"):
            facts(folder / "model.safetensors")


@pytest.mark.parametrize("key", ["win_length", "hop_length", "n_fft", "feature_size", "preemphasis"])
def test_every_number_of_the_features_is_checked(folder: Path, key: str) -> None:
    for value in ABSURD:
        edit_json(folder / "processor_config.json", f"feature_extractor.{key}", value)
        with refused(rf"processor_config\.json: feature_extractor\.{key} is"):
            facts(folder / "model.safetensors")


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a":' * 200_000, '{"a": ' + "9" * 5_000 + "}", "", "[]", "\x00", '{"a": 1e999'],
    ids=len,
)
def test_json_that_crashes_its_parser_is_refused(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    with refused("json"):
        load_checkpoint(str(folder / "model.safetensors"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 1 << 62) + b"{}",
        struct.pack("<Q", 100 << 20) + b"{}",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        struct.pack("<Q", 8) + b'{"a":{}}',
    ],
    ids=len,
)
def test_a_header_of_safetensors_is_bounded(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with refused("model.safetensors"):
        load_checkpoint(str(folder / "model.safetensors"))


def test_a_tensor_of_a_hundred_thousand_axes_is_refused(folder: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1] * 100_000, "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with refused("a has 100000 axes"):
        load_checkpoint(str(folder / "model.safetensors"))


@pytest.mark.parametrize("value", ["int8", "complex64", "x" * 5_000, 7])
def test_filters_have_a_precision_that_keeps_them(folder: Path, value: object) -> None:
    edit_json(folder / "processor_config.json", "feature_extractor.mel_filters_dtype", value)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    with refused("mel_filters_dtype is"):
        load_checkpoint(str(folder / "model.safetensors"))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9\nsize 2472413604\n"


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "model.safetensors", "tokenizer.json"])
def test_a_pointer_in_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path / "folder")
    (folder / name).write_bytes(POINTER)
    with refused(rf"{name.replace('.', '[.]')} is a Git LFS pointer.*git lfs pull"):
        load_checkpoint(str(folder))


def test_weights_that_were_not_fetched_give_way_to_an_archive(tmp_path: Path) -> None:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path / "folder")
    (folder / "model.safetensors").write_bytes(POINTER)
    (folder / "model.nemo").write_bytes(CHECKPOINT.read_bytes())
    assert find_checkpoint(folder) == (StoredAs.ARCHIVE, folder / "model.nemo")
