"""Weights read in place are the weights that `torch.load` reads."""

from __future__ import annotations

import pickle
import tarfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.nemo.mapped_weights import NotMappable, map_weights
from auricle_server.checkpoints.nemo.members import FileSpan
from auricle_server.checkpoints.weights import StoredWeights
from tests.support import tones
from tests.support.archives import unpack


def span(path: Path) -> FileSpan:
    return FileSpan(path, 0, path.stat().st_size)


def mapped_ranges(path: Path) -> list[tuple[int, int]]:
    lines = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(path))]
    return [(int(first, 16), int(end, 16)) for first, end in (line.split()[0].split("-") for line in lines)]


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool]
)
def test_every_kind_of_number(tmp_path: Path, dtype: torch.dtype) -> None:
    whole = (torch.randn(6, 5) * 3).to(dtype)
    weights = OrderedDict(
        whole=whole, turned=whole.T, part=whole[2:4, 1:3], number=whole[0, 0], none=whole[:0], shared=whole
    )
    weights["parameter"] = torch.nn.Parameter(whole, requires_grad=False)
    path = tmp_path / "weights.ckpt"
    torch.save(weights, path)
    found = StoredWeights(map_weights(span(path)))
    assert list(found) == list(weights)
    for name, value in weights.items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], value)


def test_tensors_lie_in_the_file_where_no_copy_is_needed() -> None:
    weights = load_checkpoint(str(tones.CHECKPOINT)).weights
    ranges = mapped_ranges(tones.CHECKPOINT)
    inside = [any(start <= value.data_ptr() < end for start, end in ranges) for value in weights.values()]
    assert all(inside)


def test_changes_stay_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "weights.ckpt"
    torch.save({"weight": torch.zeros(4)}, path)
    found = map_weights(span(path))["weight"].map()
    found += 1
    assert torch.equal(found, torch.ones(4))
    assert torch.equal(map_weights(span(path))["weight"].map(), torch.zeros(4))


def test_a_gzipped_archive_and_an_old_file_are_read_by_torch(tmp_path: Path) -> None:
    folder = unpack(tones.CHECKPOINT, tmp_path / "unpacked")
    expected = load_checkpoint(str(tones.CHECKPOINT)).weights
    torch.save(
        torch.load(folder / "model_weights.ckpt", weights_only=True),
        folder / "model_weights.ckpt",
        _use_new_zipfile_serialization=False,
    )
    with pytest.raises(NotMappable):
        map_weights(span(folder / "model_weights.ckpt"))
    with tarfile.open(tmp_path / "gzipped.nemo", "w:gz") as archive:
        for member in folder.iterdir():
            archive.add(member, member.name)
    for path in (folder, tmp_path / "gzipped.nemo"):
        found = load_checkpoint(str(path)).weights
        assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_nothing_but_tensors_is_made(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return print, ("owned",)

    path = tmp_path / "weights.ckpt"
    torch.save({"weight": Evil()}, path)
    with pytest.raises(pickle.UnpicklingError, match="print"):
        map_weights(span(path))


def test_a_storage_that_is_shorter_than_its_tensor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.ckpt"
    torch.save({"weight": torch.zeros(100)}, path)
    content = path.read_bytes()
    size = (400).to_bytes(4, "little")
    assert content.count(size) >= 2  # local header or directory, each with both sizes
    path.write_bytes(content.replace(size, (40).to_bytes(4, "little")))
    with pytest.raises((pickle.UnpicklingError, NotMappable)):
        map_weights(span(path))


@pytest.mark.parametrize(
    ("offset", "size", "stride"), [(0, (101,), (1,)), (50, (51,), (1,)), (0, (2, 51), (50, 1)), (60, (2,), (-1,))]
)
def test_a_tensor_beyond_its_storage_is_refused(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    class Beyond:
        """Says that it lies where the storage does not reach."""

        def __init__(self) -> None:
            self.values: Any = torch.zeros(100)

        def __reduce__(self) -> tuple[Any, ...]:
            storage = self.values._typed_storage()
            return torch._utils._rebuild_tensor_v2, (storage, offset, size, stride, False, OrderedDict())

    path = tmp_path / "weights.ckpt"
    torch.save({"weight": Beyond()}, path)
    with pytest.raises(pickle.UnpicklingError, match="larger than its storage"):
        map_weights(span(path))
