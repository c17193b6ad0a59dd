"""The files of a checkpoint by name, and where their bytes are on disk, packed or not."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.nemo.members import CONFIG_NAME, FileSpan, Folder, opened, read_config

FILES = {"./a.bin": b"first", "deep/inside/b.bin": b"the second one"}


def archive(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]  # the mode is one of its literals
        folder = tarfile.TarInfo("c.bin")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def content_of(span: FileSpan | None) -> bytes:
    assert span is not None
    return span.path.read_bytes()[span.start : span.start + span.size]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_members_are_found_by_their_base_names(tmp_path: Path, mode: str) -> None:
    with opened(archive(tmp_path / "model.nemo", FILES, mode)) as members:
        assert members.open("a.bin").read() == b"first"
        assert members.open("b.bin").read() == b"the second one"


def test_a_plain_member_has_a_place_in_the_file_and_a_compressed_one_has_none(tmp_path: Path) -> None:
    with opened(archive(tmp_path / "plain.nemo", FILES)) as members:
        assert content_of(members.span("b.bin")) == b"the second one"
    with opened(archive(tmp_path / "packed.nemo", FILES, "w:gz")) as members:
        assert members.span("b.bin") is None


@pytest.mark.parametrize("name", ["none.bin", "c.bin"])
def test_a_missing_member_is_named_and_a_folder_is_none(tmp_path: Path, name: str) -> None:
    with opened(archive(tmp_path / "model.nemo", FILES)) as members:
        for look in (members.open, members.span):
            with pytest.raises(BadCheckpoint, match=f"archive has no {name}"):
                look(name)


def test_a_folder_has_its_files_whole(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"first")
    members = Folder(tmp_path)
    with members.open("a.bin") as stream:
        assert stream.read() == b"first"
    assert members.span("a.bin") == FileSpan(tmp_path / "a.bin", 0, 5)
    for look in (members.open, members.span):
        with pytest.raises(BadCheckpoint, match=r"has no b\.bin; it is not a complete"):
            look("b.bin")


def test_the_configuration_is_a_tree(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.nemo", {f"./{CONFIG_NAME}": b"encoder: {n_layers: 2}"})
    with opened(path) as members:
        assert read_config("model.nemo", members) == {"encoder": {"n_layers": 2}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: [", "is not YAML"),
        (b"\x00", "is not YAML"),
        (b"", "does not hold a configuration"),
        (b"- a", "does not hold a configuration"),
        (b"!!python/object/apply:os.getcwd []", "is not YAML"),
    ],
)
def test_what_is_no_configuration_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / CONFIG_NAME).write_bytes(text)
    with pytest.raises(BadCheckpoint, match=rf"here: model_config\.yaml {said}"):
        read_config("here", Folder(tmp_path))
