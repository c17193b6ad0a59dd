"""Weights that would fill the memory, or be served as silence, are refused in words, at once."""

from __future__ import annotations

import math
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from tests.support.archives import unpack
from tests.support.hostile import WEIGHTS, build, refused
from tests.support.tones import CHECKPOINT


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


class Claimed:
    """Pickles as a tensor of a shape, strides and offset of which nothing needs to be true."""

    def __init__(self, offset: Any, size: Any, stride: Any) -> None:
        self._arguments = offset, size, stride
        self._values = torch.zeros(100)

    def __reduce__(self) -> tuple[Any, ...]:
        values: Any = self._values
        arguments: Any = (values._typed_storage(), *self._arguments, False, OrderedDict())
        return torch._utils._rebuild_tensor_v2, arguments


@pytest.mark.parametrize(
    "claim",
    [
        (0, (1 << 20, 1 << 20), (0, 0)),
        (0, (2, 50, 1 << 40), (50, 1, 0)),
        (0, (1 << 62, 0), (1, 1)),
        (10**30, (1,), (1,)),
        (-1, (1,), (1,)),
        (0, (1,) * 100_000, (1,) * 100_000),
        (0, (2, 2), (1,)),
        (0.5, (1,), (1,)),
        (0, ("a",), (1,)),
        (0, 5, 5),
        (None, None, None),
    ],
    ids=str,
)
def test_a_tensor_that_would_fill_the_memory_is_refused(unpacked: Path, claim: tuple[Any, ...]) -> None:
    torch.save({"joint.enc.bias": Claimed(*claim)}, unpacked / WEIGHTS)
    with refused("cannot be read as weights"):
        build(unpacked)


def test_a_zip_bomb_is_refused(unpacked: Path) -> None:
    with (
        zipfile.ZipFile(unpacked / WEIGHTS, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("archive/data.pkl", "w", force_zip64=True) as stream,
    ):
        for _ in range(200):
            stream.write(bytes(1 << 20))
    with refused("larger than those of any checkpoint"):
        load_checkpoint(str(unpacked))


def test_a_zip_file_of_a_hundred_thousand_entries_is_refused(unpacked: Path) -> None:
    with zipfile.ZipFile(unpacked / WEIGHTS, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
    content = (unpacked / WEIGHTS).read_bytes()
    at = content.index(b"PK\1\2")
    listed = content[at : content.index(b"PK\5\6")] * 100_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFE, 0xFFFE, len(listed), at, 0)
    (unpacked / WEIGHTS).write_bytes(content[:at] + listed + end)
    with refused("cannot be read as weights"):
        load_checkpoint(str(unpacked))


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3).to_sparse(),
        torch.empty(3, device="meta"),
    ],
    ids=["sparse", "meta"],
)
def test_tensors_without_ordinary_content_are_refused(unpacked: Path, tensor: torch.Tensor) -> None:
    weights = torch.load(unpacked / WEIGHTS, weights_only=True)
    torch.save({**weights, "joint.enc.bias": tensor}, unpacked / WEIGHTS)
    with refused("cannot be read as weights|not a dictionary"):
        build(unpacked)


@pytest.mark.parametrize("value", [math.nan, math.inf, 3e38])
@pytest.mark.parametrize(
    "name", ["encoder.layers.1.self_attn.linear_q.weight", "joint.joint_net.2.bias", "preprocessor.featurizer.fb"]
)
def test_weights_that_are_served_as_silence_are_refused(unpacked: Path, name: str, value: float) -> None:
    weights = torch.load(unpacked / WEIGHTS, weights_only=True)
    weights[name].view(-1)[3] = value
    torch.save(weights, unpacked / WEIGHTS)
    with refused(f"{name} has values"):
        build(unpacked)


def test_a_calibration_that_makes_every_confidence_nan_is_refused(unpacked: Path) -> None:
    for text in ('{"delays_ms": [[80, NaN, 1]]}', '{"delays_ms": [], "confidence": [Infinity, 0]}', "[" * 100_000):
        (unpacked / "words.json").write_text(text)
        with refused(r"words\.json is not a word calibration"):
            load_checkpoint(str(unpacked))
