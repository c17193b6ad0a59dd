"""The files of a checkpoint by name, and where their bytes are on disk, packed or not."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.nemo.members import CONFIG_NAME, FileSpan, Folder, opened, parse_tree, read_config
from auricle_server.checkpoints.parsing import yaml_text

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


PIECES = [f"\u2581p{number}" if number % 3 else f"- : '{number}\"" for number in range(13_087)]


def vocabulary_config() -> bytes:
    tree = {"joint": {"num_classes": 13_087, "vocabulary": list(PIECES)}, "labels": list(PIECES), "target": "a.B"}
    return str(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)).encode()


def test_yaml_is_read_by_libyaml_where_it_is_there() -> None:
    assert (yaml_text.Loader is yaml.SafeLoader) is not yaml.__with_libyaml__


def test_a_large_vocabulary_costs_little_beside_yaml_in_pure_python() -> None:
    """The multilingual model lists its 13,087 pieces twice. CPU time of one run, so that a busy machine is fair."""
    text = vocabulary_config()
    pure = cpu_seconds(lambda: yaml.load(text, yaml.SafeLoader))
    assert cpu_seconds(lambda: parse_tree("here", text, vocabulary=False)) < pure / 10


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def test_without_its_vocabulary_the_tree_is_the_same() -> None:
    whole = parse_tree("here", vocabulary_config())
    assert whole["labels"] == whole["joint"]["vocabulary"] == PIECES
    without = parse_tree("here", vocabulary_config(), vocabulary=False)
    assert without == {"joint": {"num_classes": 13_087, "vocabulary": []}, "labels": [], "target": "a.B"}


def test_a_list_whose_items_take_several_lines_is_read_whole() -> None:
    text = b'labels:\n- "a\n  b"\n- c\nx: 1\n'
    assert parse_tree("here", text, vocabulary=False) == {"labels": ["a b", "c"], "x": 1}


def test_the_pure_loader_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"encoder: {n_layers: 2, xscaling: false}\nlabels:\n- a\n"
    found = parse_tree("here", text)
    monkeypatch.setattr(yaml_text, "Loader", yaml.SafeLoader)
    assert parse_tree("here", text) == found
