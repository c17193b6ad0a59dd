"""Archives that unpack to more than they are, or never end, are refused in words, at once."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.known.facts import facts
from tests.support.archives import unpack
from tests.support.hostile import CONFIG, PROCESSOR_SECONDS, refused
from tests.support.tones import CHECKPOINT


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


def tar_of(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_an_archive_of_a_hundred_thousand_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.nemo"
    path.write_bytes(tarfile.TarInfo("file").tobuf() * 100_000)
    with refused("more than 1000 files"):
        load_checkpoint(str(path))
    packed = tmp_path / "packed.nemo"
    packed.write_bytes(gzip.compress(random.randbytes(4 << 20) + path.read_bytes(), 1))
    with refused("not a readable"):
        facts(packed)
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    with refused("no model_config"):
        facts(packed)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_of_an_archive_are_bounded(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("name")
    entry.type = kind
    path = tar_of(tmp_path / "name.nemo", [(entry, b"10 a=bcde\n" * 800_000)])
    with refused("headers take more than"):
        load_checkpoint(str(path))


def test_a_file_of_a_negative_size_is_refused(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"  # -1024, which leads back to where it stands
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    path = tmp_path / "negative.nemo"
    path.write_bytes(bytes(header) * 4)
    with refused("negative.nemo"):
        load_checkpoint(str(path))


@pytest.mark.parametrize("read", [facts, lambda path: load_checkpoint(str(path))])
def test_a_gzip_bomb_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "bomb.nemo"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        header = tarfile.TarInfo("model_weights.ckpt")
        header.size = 512 << 20
        stream.write(header.tobuf())
        for _ in range(512):
            stream.write(bytes(1 << 20))
    with refused("over 20 times its own size", 2 * PROCESSOR_SECONDS):
        read(path)


@pytest.mark.parametrize("name", [CONFIG, "956829b2d0b34d52937fc795c3fe641e_tokenizer.model"])
def test_a_file_of_gigabytes_is_not_read_whole(unpacked: Path, name: str) -> None:
    with (unpacked / name).open("wb") as stream:
        stream.truncate(8 << 30)
    with refused(f"{name} has more than"):
        load_checkpoint(str(unpacked))
