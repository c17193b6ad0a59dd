"""A ``.nemo`` archive and the folder that it unpacks to; whatever is no such thing is refused with the reason."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import torch
import yaml

from auricle_server.checkpoints import BadCheckpoint, UnsupportedModel, load_checkpoint
from auricle_server.checkpoints.known.facts import facts
from auricle_server.checkpoints.nemo.archive import WEIGHTS_NAME, read_archive, read_unpacked
from auricle_server.checkpoints.nemo.members import CONFIG_NAME
from tests.support.archives import unpack
from tests.support.tones import CHECKPOINT


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


def edit_config(folder: Path, section: str, **values: object) -> None:
    path = folder / CONFIG_NAME
    config = yaml.safe_load(path.read_text())
    config[section] = {**config[section], **values}
    path.write_text(yaml.safe_dump(config))


def test_archive_and_folder_hold_the_same(unpacked: Path) -> None:
    packed, loose = read_archive(CHECKPOINT), read_unpacked(unpacked)
    assert (loose.config, loose.pieces) == (packed.config, packed.pieces)
    assert (len(packed.pieces), packed.pieces[:3]) == (64, ("<unk>", "▁w", "▁t"))
    assert loose.weights.keys() == packed.weights.keys()
    assert all(torch.equal(loose.weights[name], value) for name, value in packed.weights.items())


def test_weights_stay_in_the_precision_in_which_they_are_stored(unpacked: Path) -> None:
    weights = torch.load(unpacked / WEIGHTS_NAME, weights_only=True)
    torch.save({name: value.half() for name, value in weights.items()}, unpacked / WEIGHTS_NAME)
    assert {value.dtype for value in read_unpacked(unpacked).weights.values()} == {torch.float16}


def test_a_gzipped_archive_with_dot_slash_names_loads(unpacked: Path, tmp_path: Path) -> None:
    path = tmp_path / "gzipped.nemo"
    with tarfile.open(path, "w:gz") as archive:
        for member in unpacked.iterdir():
            archive.add(member, f"./{member.name}")
    assert load_checkpoint(str(path)).pieces == load_checkpoint(str(CHECKPOINT)).pieces


@pytest.mark.parametrize("size", [0, 100, 5_000, 200_000, 1_300_000])
def test_a_truncated_file_is_named_as_such(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.nemo"
    path.write_bytes(CHECKPOINT.read_bytes()[:size])
    with pytest.raises(BadCheckpoint, match=r"cut\.nemo|no model_|cannot be read"):
        load_checkpoint(str(path))


def test_any_other_file_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "notes.nemo"
    path.write_text("not a checkpoint at all")
    with pytest.raises(BadCheckpoint, match="not a readable"):
        load_checkpoint(str(path))


def test_an_archive_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "other.nemo"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "something.py")
    with pytest.raises(BadCheckpoint, match="has no model_config"):
        load_checkpoint(str(path))


@pytest.mark.parametrize("name", [CONFIG_NAME, WEIGHTS_NAME, "956829b2d0b34d52937fc795c3fe641e_tokenizer.model"])
def test_a_missing_file_of_a_folder_is_named(unpacked: Path, name: str) -> None:
    (unpacked / name).unlink()
    with pytest.raises(BadCheckpoint, match=f"unpacked has no {name}; it is not a complete NeMo checkpoint"):
        read_unpacked(unpacked)


def test_an_unsuitable_model_is_refused_before_its_weights_are_read(unpacked: Path) -> None:
    (unpacked / WEIGHTS_NAME).unlink()
    edit_config(unpacked, "encoder", causal_downsampling=False)
    with pytest.raises(UnsupportedModel, match="causal_downsampling"):
        read_unpacked(unpacked)


def test_weights_that_would_run_code_are_refused(unpacked: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return print, ("owned",)

    torch.save({"weight": Evil()}, unpacked / "model_weights.ckpt")
    with tarfile.open(tmp_path / "gzipped.nemo", "w:gz") as archive:  # unpacked, then mapped
        for member in unpacked.iterdir():
            archive.add(member, member.name)
    for path in (unpacked, tmp_path / "gzipped.nemo"):
        with pytest.raises(BadCheckpoint, match="cannot be read as weights"):
            load_checkpoint(str(path))


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"weight": torch.zeros(2), "epoch": 3}])
def test_weights_are_a_dictionary_of_tensors(unpacked: Path, content: object) -> None:
    torch.save(content, unpacked / WEIGHTS_NAME)
    with pytest.raises(BadCheckpoint, match=r"model_weights\.ckpt is not a dictionary of tensors"):
        read_unpacked(unpacked)


@pytest.mark.parametrize("stated", [-1, None])
def test_tokens_that_the_configuration_leaves_open_are_those_of_the_tokenizer(
    unpacked: Path, tmp_path: Path, stated: int | None
) -> None:
    edit_config(unpacked, "joint", num_classes=-1, vocabulary=[])
    edit_config(unpacked, "decoder", vocab_size=stated)
    with tarfile.open(tmp_path / "open.nemo", "w") as archive:
        for member in unpacked.iterdir():
            archive.add(member, member.name)
    for path in (unpacked, tmp_path / "open.nemo"):
        assert load_checkpoint(str(path)).config == read_archive(CHECKPOINT).config
        assert facts(path) == facts(CHECKPOINT)


def test_references_of_a_file_are_followed(unpacked: Path) -> None:
    path = unpacked / CONFIG_NAME
    text = path.read_text()
    path.write_text(text.replace("  d_model: 64", "  d_model: ${model_defaults.enc_hidden}"))
    assert "${" in path.read_text()
    assert read_unpacked(unpacked).config == read_archive(CHECKPOINT).config
    path.write_text(text.replace("  d_model: 64", "  d_model: ${model_defaults.width}"))
    with pytest.raises(BadCheckpoint, match=r"encoder\.d_model is '\$\{model_defaults\.width\}'"):
        read_unpacked(unpacked)


def test_another_tokenizer_is_refused(unpacked: Path) -> None:
    edit_config(unpacked, "tokenizer", type="agg")
    with pytest.raises(UnsupportedModel, match=r"tokenizer\.type is 'agg'"):
        load_checkpoint(str(unpacked))


def test_a_tokenizer_must_be_named(unpacked: Path) -> None:
    edit_config(unpacked, "tokenizer", model_path=None)
    with pytest.raises(BadCheckpoint, match=r"names no tokenizer\.model_path"):
        read_unpacked(unpacked)
