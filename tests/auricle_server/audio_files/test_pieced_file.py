from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from auricle_server.audio_files.pieced_file import ByteSpan, ByteWindow, Piece, PiecedFile, replaced

CONTENT = bytes(range(256))
SPANS = st.tuples(st.integers(0, 256), st.integers(0, 256)).map(lambda ends: ByteSpan(*ends))


@given(st.lists(SPANS | st.binary(max_size=20), max_size=5), st.lists(st.integers(0, 300), max_size=5))
def test_pieces_read_like_the_bytes_that_they_stand_for(pieces: list[Piece], sizes: list[int]) -> None:
    whole = b"".join(CONTENT[each.start : each.end] if isinstance(each, ByteSpan) else each for each in pieces)
    descriptor = os.memfd_create("content")
    try:
        os.write(descriptor, CONTENT)
        file = PiecedFile(descriptor, pieces)
        assert (file.size, file.seek(0, os.SEEK_END)) == (len(whole), len(whole))
        file.seek(0)
        at = 0
        for size in sizes:
            assert file.tell() == at
            assert file.read(size) == whole[at : at + size]
            at = min(at + size, len(whole))
        assert file.read() == whole[at:]
        assert all(file.at(offset, 7) == whole[offset : offset + 7] for offset in range(len(whole)))
    finally:
        os.close(descriptor)


@given(st.lists(st.tuples(st.integers(0, 700_000), st.integers(0, 300_000)), max_size=6))
def test_a_window_reads_like_the_whole(reads: list[tuple[int, int]]) -> None:
    content = bytes(range(251)) * 2500 + b"OggS"
    descriptor = os.memfd_create("content")
    try:
        os.write(descriptor, content)
        window = ByteWindow(descriptor, len(content))
        for offset, count in reads:
            assert window.at(offset, count) == content[offset : offset + count]
            assert window.find(b"OggS", offset) == content.find(b"OggS", offset)
            assert window.find(b"none", offset) == -1
    finally:
        os.close(descriptor)


def test_bytes_in_the_place_of_others(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as opened:
        assert PiecedFile(opened.fileno(), replaced(10, 3, b"abc")).read() == b"012abc6789"


def test_a_disk_that_cannot_be_read_is_an_error_and_not_only_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as opened:
        file = PiecedFile(opened.fileno(), [ByteSpan(0, 10)])
    assert file.read(4) == b""
    assert file.error is not None
