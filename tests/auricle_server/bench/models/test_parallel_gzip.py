from __future__ import annotations

import gzip
import random
import tarfile
import zlib
from pathlib import Path

import pytest

from auricle_server.bench.models.parallel_gzip import compress


@pytest.mark.parametrize("size", [0, 1, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 30_000_000])
def test_it_is_one_member_that_everybody_reads(tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "plain", tmp_path / "gzipped"
    noise = random.Random(size).randbytes(size // 2)
    source.write_bytes(noise + bytes(size - len(noise)))
    compress(source, target)
    assert gzip.decompress(target.read_bytes()) == source.read_bytes()
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert len(reader.decompress(target.read_bytes())) == size
    assert reader.eof
    assert not reader.unused_data
    assert target.stat().st_size < size * 0.6 + 200


def test_an_archive_opens(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    with tarfile.open(tmp_path / "plain.tar", "w") as archive:
        archive.add(tmp_path / "file", "file")
    compress(tmp_path / "plain.tar", tmp_path / "gzipped")
    with tarfile.open(tmp_path / "gzipped") as archive:
        assert archive.getnames() == ["file"]
