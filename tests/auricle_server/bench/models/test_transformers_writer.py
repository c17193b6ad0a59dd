"""Files as `transformers` saves them; that it loads them is asserted in `tests/parity`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from auricle_server.bench.models.transformers_writer import write_folder, write_safetensors
from auricle_server.checkpoints import load_checkpoint
from tests.support import tones


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_bytes_are_those_of_the_library(tmp_path: Path, dtype: torch.dtype) -> None:
    weights = {"b": torch.randn(3, 5).to(dtype), "a": torch.randn(4, 2).to(dtype).T, "c": torch.randn(1).to(dtype)}
    write_safetensors(weights, tmp_path / "ours")
    save_file({name: value.contiguous() for name, value in weights.items()}, tmp_path / "theirs", {"format": "pt"})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert torch.equal(load_file(tmp_path / "ours")["a"], weights["a"])


def test_the_files_are_those_of_a_published_repository(tmp_path: Path) -> None:
    folder = write_folder(load_checkpoint(str(tones.CHECKPOINT)), tmp_path / "model")
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "processor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert json.loads((folder / "tokenizer.json").read_text())["model"]["type"] == "BPE"
