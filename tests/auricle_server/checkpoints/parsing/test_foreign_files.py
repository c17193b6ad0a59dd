"""What people give in place of a checkpoint is named, with what to do."""

from __future__ import annotations

import gzip
import io
import tarfile
import wave
import zipfile
from pathlib import Path

import pytest
import torch

from auricle_server.checkpoints import CheckpointError, load_checkpoint
from auricle_server.checkpoints.known.facts import facts
from auricle_server.checkpoints.load import read_checkpoint
from auricle_server.checkpoints.parsing.foreign_files import foreign_content
from tests.support.archives import unpack
from tests.support.tones import CHECKPOINT

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9\nsize 2473041920\n"
HTML = b"\n<!DOCTYPE html>\n<html lang=en><title>Log in</title></html>"


def lightning(**more: object) -> bytes:
    """A checkpoint as Lightning's Trainer saves it."""
    stream = io.BytesIO()
    content = {"epoch": 3, "global_step": 7, "pytorch-lightning_version": "2.5.0", "state_dict": {"a": torch.ones(2)}}
    torch.save({**content, "optimizer_states": [{"state": {}}], "hyper_parameters": {"lr": 1.0}, **more}, stream)
    return stream.getvalue()


def saved(content: object, *, old: bool = False) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not old)
    return stream.getvalue()


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"folder/{name}", "content")
    return stream.getvalue()


def recording() -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    return stream.getvalue()


FOREIGN = {
    "a Git LFS pointer": (POINTER, "git lfs pull"),
    "a Git LFS pointer with Windows' line ends": (POINTER.replace(b"\n", b"\r\n"), "git lfs pull"),
    "a git-annex pointer": (b"/annex/objects/SHA256E-s2473041920--4d7a21.nemo\n", "git annex get"),
    "a Lightning checkpoint": (lightning(), r"Lightning's \.ckpt.*save_to"),
    "an old Lightning checkpoint": (saved({"epoch": 3, "state_dict": {}}, old=True), "Lightning.*save_to"),
    "weights alone": (saved({"encoder.weight": torch.ones(2)}), "weights by torch.save.*save_to"),
    "old weights alone": (saved({"encoder.weight": torch.ones(2)}, old=True), "old torch.save.*save_to"),
    "a zip archive": (zipped("readme.txt"), "zip archive.*unpack it"),
    "a zip archive of a checkpoint": (zipped("model.nemo"), r"zip archive with a \.nemo file in it: unpack it"),
    "a zip archive of its files": (zipped("model_config.yaml"), "zip archive of what a .nemo file holds"),
    "an HTML page": (HTML, "HTML page.*download the file itself"),
    "another HTML page": (b"\xef\xbb\xbf<html><head></head></html>", "HTML page"),
    "a storage error": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "XML.*download"),
    "a hub's answer": (b'{"error":"Repository not found"}', "JSON.*Repository not found.*download"),
    "a WAV file": (recording(), "recording.*auricle transcribe"),
    "an Ogg file": (b"OggS\0\x02" + bytes(60), "recording.*auricle transcribe"),
    "a FLAC file": (b"fLaC\0\0\0\x22" + bytes(60), "recording.*auricle transcribe"),
    "an MP3 file": (b"ID3\x04\0\0" + bytes(60), "recording.*auricle transcribe"),
    "an MP3 file without tags": (b"\xff\xfb\x90\x64" + bytes(600), "recording.*auricle transcribe"),
    "an MP4 file": (b"\0\0\0\x20ftypM4A " + bytes(60), "recording.*auricle transcribe"),
    "a WebM file": (b"\x1aE\xdf\xa3" + bytes(60), "recording.*auricle transcribe"),
    "an xz file": (b"\xfd7zXZ\0" + bytes(60), "compressed with xz: unpack it"),
    "a GGUF file": (b"GGUF\x03\0\0\0" + bytes(60), "GGUF.*reads .nemo files and safetensors"),
}


@pytest.mark.parametrize(("content", "said"), FOREIGN.values(), ids=list(FOREIGN))
@pytest.mark.parametrize("name", ["model.nemo", "M.NEMO", "last.ckpt"])
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, said: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (lambda: load_checkpoint(str(path)), lambda: facts(path)):
        with pytest.raises(CheckpointError, match=rf"(?s){name}.* is .*{said}") as refused:
            read()
        assert len(str(refused.value)) < 500


@pytest.mark.parametrize("name", ["last.ckpt", "pytorch_model.bin", "model.zip"])
def test_a_folder_without_a_checkpoint_says_what_it_has(tmp_path: Path, name: str) -> None:
    content, said = FOREIGN["a zip archive of a checkpoint" if name.endswith("zip") else "a Lightning checkpoint"]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=f"holds no checkpoint, but {name}, which is .*{said}"):
        load_checkpoint(str(tmp_path))


@pytest.mark.parametrize("name", ["M.NEMO", "model.Nemo", "model.nemo"])
def test_an_archive_is_found_in_whatever_case_its_name_ends(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CHECKPOINT.read_bytes())
    (tmp_path / "._model.nemo").write_bytes(b"of macOS")
    assert facts(tmp_path) == facts(tmp_path / name) == facts(CHECKPOINT)
    assert read_checkpoint(tmp_path).config == read_checkpoint(CHECKPOINT).config


@pytest.mark.parametrize("name", ["model_config.yaml", "model_weights.ckpt", "tokenizer.model"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_pointer_within_a_checkpoint_is_named(tmp_path: Path, name: str, *, packed: bool) -> None:
    folder = unpack(CHECKPOINT, tmp_path / "unpacked")
    (found,) = folder.glob(f"*{name}")
    found.write_bytes(POINTER)
    path = folder
    if packed:
        path = tmp_path / "packed.nemo"
        with tarfile.open(path, "w") as archive:
            for member in folder.iterdir():
                archive.add(member, member.name)
    with pytest.raises(CheckpointError, match=f"{name} is a Git LFS pointer.*git lfs pull"):
        load_checkpoint(str(path))


def test_a_training_s_weights_within_a_checkpoint_are_named(tmp_path: Path) -> None:
    folder = unpack(CHECKPOINT, tmp_path / "unpacked")
    (folder / "model_weights.ckpt").write_bytes(lightning())
    with pytest.raises(CheckpointError, match=r"model_weights\.ckpt is a checkpoint of a training.*save_to"):
        load_checkpoint(str(folder))


def test_a_gzipped_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.nemo"
    path.write_bytes(gzip.compress(b"text"))
    with pytest.raises(CheckpointError, match=r"model\.nemo is not a readable \.nemo archive"):
        load_checkpoint(str(path))


def test_what_is_not_known_has_no_name() -> None:
    assert foreign_content(io.BytesIO(b"any text at all")) is None
    assert foreign_content(io.BytesIO(bytes(1000))) is None
