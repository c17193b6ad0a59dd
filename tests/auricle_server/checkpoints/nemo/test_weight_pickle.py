"""Pickles that fill the memory, never end or call something are refused in words, at once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.archives import unpack
from tests.support.hostile import WEIGHTS, build, refused
from tests.support.tones import CHECKPOINT


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


def store(folder: Path, data: bytes) -> None:
    """Weights whose pickle is `data`."""
    with zipfile.ZipFile(folder / WEIGHTS, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", bytes(400))


def deep_tuple(levels: int, *, doubled: bool) -> bytes:
    """A dictionary whose key is a tuple of tuples."""
    level = b"2\x86" if doubled else b"\x85"
    return b"\x80\x02})" + level * levels + b"K\x01s."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x80\x02}r\xff\xff\xff\x7f.", "weights have no encoder"),
        (deep_tuple(60, doubled=True), "cannot be read as weights"),
        (deep_tuple(100_000, doubled=False), "its keys are no names"),
        (b"\x80\x02" + b"(" * 100_000 + b".", "not a dictionary of tensors"),
        (b"\x80\x02" + b"]" * 600_000 + b".", "more than 200000 operations"),
        (b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00truetR.", "os.system is no part"),
        (b"\x80\x02ccollections\nOrderedDict\n(I1\n]tR.", "cannot be read as weights"),
        (b"\x80\x02t.", "cannot be read as weights"),
        (b"\x80\x02.", "cannot be read as weights"),
        (b"\x80\x02\x8a", "cannot be read as weights"),
        (b"", "cannot be read as weights"),
        (b"\x80\x02}X\x01\x00\x00\x00aK\x01s.", "not a dictionary of tensors"),
        (b"\x80\x02}K\x01K\x02s.", "not a dictionary of tensors"),
    ],
    ids=range(13),
)
def test_a_pickle_that_fills_the_memory_or_never_ends_is_refused(unpacked: Path, data: bytes, said: str) -> None:
    store(unpacked, data)
    with refused(said):
        build(unpacked)
    # The format before PyTorch 1.6 is a row of such pickles.
    (unpacked / WEIGHTS).write_bytes(data)
    with refused("cannot be read as weights"):
        build(unpacked)
