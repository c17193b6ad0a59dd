"""Every number of a configuration is checked, and what refuses it names its key."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.config import parse_config
from auricle_server.checkpoints.known.facts import facts
from auricle_server.checkpoints.parsing.bounds import Bounds
from tests.support.archives import raw_config, unpack
from tests.support.hostile import ABSURD, CONFIG, edit_config, refused
from tests.support.tones import CHECKPOINT

NUMBERS = (
    "encoder.n_layers",
    "encoder.d_model",
    "encoder.n_heads",
    "encoder.conv_kernel_size",
    "encoder.subsampling_conv_channels",
    "encoder.ff_expansion_factor",
    "preprocessor.n_fft",
    "preprocessor.features",
    "preprocessor.preemph",
    "preprocessor.window_size",
    "preprocessor.window_stride",
    "preprocessor.n_window_size",
    "preprocessor.n_window_stride",
    "decoder.prednet.pred_hidden",
    "decoder.prednet.pred_rnn_layers",
    "joint.jointnet.joint_hidden",
    "joint.num_classes",
    "joint.num_extra_outputs",
    "decoding.greedy.max_symbols",
)


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


@pytest.mark.parametrize("path", NUMBERS)
def test_every_number_is_checked_and_its_key_is_named(path: str) -> None:
    *sections, key = path.split(".")
    for value in ABSURD:
        raw = raw_config(CHECKPOINT)
        inner = raw
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
        with refused(rf"{path.replace('.', '[.]')} is"):
            parse_config(raw)


@pytest.mark.parametrize(("path", "value"), [("encoder.d_model", math.inf), ("preprocessor.window_size", 1e9)])
def test_numbers_in_a_file_are_checked(unpacked: Path, path: str, value: float) -> None:
    edit_config(unpacked, path, value)
    with refused(rf"model_config\.yaml: {path} is"):
        facts(unpacked)
    with refused(rf"model_config\.yaml: {path} is"):
        load_checkpoint(str(unpacked))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("encoder.n_layers", 0),
        ("encoder.n_heads", 7),
        ("encoder.xscaling", "no"),
        ("preprocessor.n_fft", 256),
        ("preprocessor.window_stride", 0.0001),
        ("preprocessor.window_stride", 0.05),
        ("encoder.att_context_size", 70),
        ("encoder.att_context_size", []),
        ("encoder.att_context_size", [[70]]),
        ("encoder.att_context_size", [70, 1.5]),
        ("encoder.att_context_size", [[10**9, 13]]),
        ("encoder.att_context_size", [[70, "1"]]),
        ("encoder.att_context_size", [[70, 1]] * 1000),
        ("encoder.att_context_size", [{}]),
        ("encoder.att_context_style", "x" * 5_000),
    ],
)
def test_values_that_no_model_has_are_refused(unpacked: Path, path: str, value: Any) -> None:
    edit_config(unpacked, path, value)
    with refused(r"(encoder|preprocessor)\.(\w+) is"):
        facts(unpacked)


@pytest.mark.parametrize("section", ["encoder", "decoder", "joint", "preprocessor", "decoding", "loss", "tokenizer"])
@pytest.mark.parametrize("value", ["text", [1], 7])
def test_a_section_of_another_kind_is_named(unpacked: Path, section: str, value: Any) -> None:
    edit_config(unpacked, section, value)
    with refused(f"no section '{section}'"):
        load_checkpoint(str(unpacked))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_prompts", 10**9),
        ("num_prompts", -1),
        ("prompt_dictionary", ["en-US"]),
        ("prompt_dictionary", {"en-US": 128}),
        ("prompt_dictionary", {"en-US": -1}),
        ("prompt_dictionary", {"en-US": math.inf}),
    ],
)
def test_language_prompts_lie_within_the_model(unpacked: Path, key: str, value: Any) -> None:
    text = (unpacked / CONFIG).read_text().replace("EncDecRNNTBPEModel", "EncDecRNNTBPEModelWithPrompt")
    (unpacked / CONFIG).write_text(text)
    edit_config(unpacked, "model_defaults", {"prompt_dictionary": {"en-US": 0}, key: value})
    with refused(rf"{key}"):
        facts(unpacked)


def test_a_number_that_omegaconf_reads_as_one_is_one(unpacked: Path) -> None:
    path = unpacked / CONFIG
    path.write_text(path.read_text().replace("window_stride: 0.01", "window_stride: 1e-2"))
    assert yaml.safe_load(path.read_text())["preprocessor"]["window_stride"] == "1e-2"
    assert load_checkpoint(str(unpacked)).config.mel.hop == 160


@pytest.mark.parametrize(("path", "value"), [("encoder.n_layers", 1), ("decoder.prednet.pred_rnn_layers", 1)])
def test_layers_that_would_be_left_out_are_noticed(unpacked: Path, path: str, value: int) -> None:
    edit_config(unpacked, path, value)
    with refused(f"{path} is 1, and the weights have more layers"):
        load_checkpoint(str(unpacked))


def test_bounds_are_shown_as_messages_need_them() -> None:
    assert str(Bounds(1, 16_384)) == "from 1 to 16384"
    assert str(Bounds(0.0, 1.0)) == "from 0 to 1"
