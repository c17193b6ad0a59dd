from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.sources import (
    ArchiveFile,
    filesystem,
    is_address,
    local_copy,
    version_in,
    version_of,
)
from auricle_server.audio_files import UnreadableAudio


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("s3://bucket/a.wav", True),
        ("simplecache::s3://bucket/a.wav", True),
        ("/tmp/a.wav", False),
        ("a:b.wav", False),
        ("C.wav", False),
    ],
)
def test_what_is_an_address(name: str, address: bool) -> None:
    assert is_address(name) is address


def test_the_key_tells_files_and_channels_apart() -> None:
    names = ["/a", "/b", "/a\n", os.fsdecode(b"/a\xff"), "/a\\xff"]
    keys = {ArchiveFile(name, channel=channel).key for name in names for channel in ("mix", "split", "1")}
    assert len(keys) == 15


def test_a_file_travels_as_json() -> None:
    file = ArchiveFile(os.fsdecode(b"/odd\xff\n"), 12, "7", "de", "split", ("Auricle",))
    assert ArchiveFile.from_json(file.as_json()) == file


def test_a_copy_of_a_remote_file_keeps_the_end_of_its_name_and_goes_away() -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/copies/call.vox", b"sound")
    with local_copy("memory://copies/call.vox") as path:
        assert path.endswith(".vox")
        assert Path(path).read_bytes() == b"sound"
    assert not Path(path).exists()


@pytest.mark.parametrize("source", ["memory://copies/none.wav", "/no/such.wav"])
def test_a_vanished_file_is_named_so(source: str) -> None:
    with pytest.raises(UnreadableAudio, match="no such file"):
        version_of(source)


def test_versions() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert version_in({"size": 3, "LastModified": moment, "ETag": '"e"'}).etag == "e"
    assert version_in({"size": 3, "mtime": moment.timestamp()}).modified == "2026-01-02T00:00:00+00:00"
    assert version_in({"size": 3}).modified is None


def test_an_absent_file_system_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(ArchiveError, match=r"^s3:// needs the package s3fs: run pip install s3fs"):
        filesystem("s3://bucket/calls")


def test_an_unknown_file_system_is_named() -> None:
    with pytest.raises(ArchiveError, match="nonsense://a: fsspec cannot use it"):
        filesystem("nonsense://a")
