from __future__ import annotations

import os
from pathlib import Path

import pytest

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.listing import Listing, list_archive
from auricle_server.archives.inputs.sources import ArchiveFile

DEFAULTS = ArchiveFile("", language="en")
ODD = ("-rf.wav", "a b.wav", "line\nbreak.wav", "ünï 話.WAV", "[1].wav", "plain.flac")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*ODD, "notes.txt", ".hidden.wav", "sub/deep.mp3", ".git/x.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    return tmp_path


def names(listing: Listing, top: Path) -> list[str]:
    return [os.path.relpath(file.source, top) for file in listing.files]


def listed(*inputs: object) -> Listing:
    return list_archive([str(each) for each in inputs], DEFAULTS)


def test_a_folder_with_odd_names(folder: Path) -> None:
    listing = listed(folder)
    assert names(listing, folder) == [*sorted(ODD), "sub/deep.mp3"]
    assert {file.size for file in listing.files} == {5}
    assert listing.skipped == {"hidden": 2, "no recording by its name": 1}


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.wav")).write_bytes(b"1")
    except OSError:
        pytest.skip("this file system takes only names that are UTF-8")
    assert os.fsencode(listed(tmp_path).files[0].source).endswith(b"bad\xff.wav")


def test_what_is_named_by_itself_is_taken_whatever_its_name(folder: Path) -> None:
    assert names(listed(folder / "notes.txt", folder / ".hidden.wav"), folder) == ["notes.txt", ".hidden.wav"]


def test_patterns(folder: Path) -> None:
    assert names(listed(folder / "*.wav"), folder) == ["-rf.wav", "[1].wav", "a b.wav", "line\nbreak.wav"]
    assert names(listed(folder / "*.txt"), folder) == ["notes.txt"]
    assert "notes.txt" not in names(listed(folder / "*"), folder)
    assert names(listed(folder / "**"), folder) == sorted([*ODD, "sub/deep.mp3"])
    assert names(listed(folder / "s*"), folder) == ["sub/deep.mp3"]
    assert names(listed(folder / "[1].wav"), folder) == ["[1].wav"]  # a file of this name is no pattern


def test_each_file_once_whatever_leads_to_it(folder: Path) -> None:
    (folder / "link.wav").symlink_to(folder / "a b.wav")
    (folder / "loop").symlink_to(folder)
    listing = listed(folder, folder / "a b.wav", f"file://{folder}/a b.wav", folder / "sub" / ".." / "a b.wav")
    assert sorted(names(listing, folder)) == sorted([*ODD, "sub/deep.mp3"])
    assert listing.duplicates == 4


def test_links_to_folders_are_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "far.wav").write_bytes(b"1")
    (folder / "linked").symlink_to(elsewhere)
    assert str(elsewhere / "far.wav") in [file.source for file in listed(folder).files]


def test_a_link_to_nothing_is_listed_so_that_it_fails(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing.wav")
    assert names(listed(tmp_path), tmp_path) == ["nothing.wav"]


def test_a_pipe_is_no_recording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert listed(tmp_path).skipped == {"pipe, socket or device": 1}


def test_done_and_failed_ones_are_counted(folder: Path) -> None:
    first, second = listed(folder).files[:2]
    listing = list_archive([str(folder)], DEFAULTS, {first.key}, {second.key})
    assert (listing.done, listing.failed, len(listing.files)) == (1, 1, 5)


def test_a_file_for_two_channels_is_two_pieces_of_work(folder: Path) -> None:
    rows = [f'{{"path": "a b.wav", "channel": {channel}}}' for channel in (1, 2, 1)]
    (folder / "m.jsonl").write_text("\n".join(rows))
    listing = listed(folder / "m.jsonl")
    assert [file.channel for file in listing.files] == ["1", "2"]
    assert listing.duplicates == 1
    assert listing.files[0].size == 5


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/no/such", "/no/such: no such file or folder"),
        ("/no/such/*.wav", "no file matches"),
        ("-", "auricle transcribe -"),
        ("", "'' is no path"),
        ("a\0b", "is no path"),
        ("memory://listing/none", "no such file or folder"),
        ("memory://listing/none*", "no file matches"),
    ],
)
def test_what_cannot_be_meant(name: str, told: str) -> None:
    with pytest.raises(ArchiveError, match=told):
        listed(name)


def test_remote_folders_patterns_and_files() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for name in ("b.wav", "deep/a.WAV", ".x/c.wav", ".y.wav", "notes.txt"):
        memory.pipe(f"/listing/{name}", b"123")
    listing = listed("memory://listing")
    assert [file.source for file in listing.files] == ["memory:///listing/b.wav", "memory:///listing/deep/a.WAV"]
    assert {file.size for file in listing.files} == {3}
    assert listing.skipped == {"hidden": 2, "no recording by its name": 1}
    assert len(listed("memory://listing/*.txt").files) == 1
    again = listed("memory://listing", "memory://listing/b.wav")
    assert (len(again.files), again.duplicates) == (2, 1)
