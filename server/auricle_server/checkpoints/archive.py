"""Reads NeMo's checkpoint format without NeMo: a ``.nemo`` archive or the folder that it unpacks to.

The archive is a tar file (plain or gzipped) of ``model_config.yaml``, ``model_weights.ckpt`` and the SentencePiece
tokenizer under a name that the configuration gives. Nothing is executed: weights are read with ``weights_only=True``
and no member is unpacked to disk.
"""

from __future__ import annotations

import pickle
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch
import yaml

from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG_NAME = "model_config.yaml"
WEIGHTS_NAME = "model_weights.ckpt"

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens one member by its base name for reading."""


@dataclass(frozen=True, slots=True)
class RawCheckpoint:
    """What is in the file, uninterpreted.

    Attributes:
        config: NeMo's configuration tree.
        weights: Parameters by NeMo's names, in the precision in which they are stored.
        tokenizer: A serialised SentencePiece model.
    """

    config: dict[str, Any]
    weights: dict[str, torch.Tensor]
    tokenizer: bytes


def read_checkpoint(path: Path) -> RawCheckpoint:
    """Reads a ``.nemo`` file, a folder that holds one, or the folder that one unpacks to.

    Raises:
        CheckpointNotFound: There is nothing at `path`, or a folder without a checkpoint.
        BadCheckpoint: Not a checkpoint, or damaged.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise CheckpointNotFound(f"{path}: no such file or folder")
    try:
        with tarfile.open(path) as archive:
            return _read(str(path), _archive_opener(archive))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadCheckpoint(
            f"{path} is not a readable .nemo archive ({error}); if it was downloaded or copied, it may be cut short"
        ) from error


def _read_folder(folder: Path) -> RawCheckpoint:
    if (folder / CONFIG_NAME).is_file():
        return _read(str(folder), _folder_opener(folder))
    archives = sorted(folder.glob("*.nemo"))
    if len(archives) == 1:
        return read_checkpoint(archives[0])
    found = f"{len(archives)} .nemo files" if archives else "neither a .nemo file nor a model_config.yaml"
    raise CheckpointNotFound(f"{folder} holds {found}; name the one .nemo file, or the folder of an unpacked one")


def _archive_opener(archive: tarfile.TarFile) -> Opener:
    members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}

    @contextmanager
    def open_member(name: str) -> Iterator[IO[bytes]]:
        if name not in members:
            raise BadCheckpoint(f"the archive has no {name}; it is not a NeMo checkpoint")
        stream = archive.extractfile(members[name])
        assert stream is not None  # only regular files are in `members`
        with stream:
            yield stream

    return open_member


def _folder_opener(folder: Path) -> Opener:
    @contextmanager
    def open_member(name: str) -> Iterator[IO[bytes]]:
        path = folder / Path(name).name
        if not path.is_file():
            raise BadCheckpoint(f"{folder} has no {name}; it is not a whole NeMo checkpoint")
        with path.open("rb") as stream:
            yield stream

    return open_member


def _read(origin: str, opener: Opener) -> RawCheckpoint:
    config = _read_config(origin, opener)
    return RawCheckpoint(config, _read_weights(origin, opener), _read_tokenizer(origin, config, opener))


def _read_config(origin: str, opener: Opener) -> dict[str, Any]:
    with opener(CONFIG_NAME) as stream:
        try:
            config = yaml.safe_load(stream)
        except yaml.YAMLError as error:
            raise BadCheckpoint(f"{origin}: {CONFIG_NAME} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} does not hold a configuration")
    return config


def _read_weights(origin: str, opener: Opener) -> dict[str, torch.Tensor]:
    with opener(WEIGHTS_NAME) as stream:
        try:
            weights = torch.load(stream, map_location="cpu", weights_only=True)
        except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
            raise BadCheckpoint(f"{origin}: {WEIGHTS_NAME} cannot be read as weights: {error}") from error
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise BadCheckpoint(f"{origin}: {WEIGHTS_NAME} is not a dictionary of tensors")
    return weights


def _read_tokenizer(origin: str, config: dict[str, Any], opener: Opener) -> bytes:
    section = config.get("tokenizer") or {}
    name = str(section.get("model_path") or "").removeprefix("nemo:")
    if not name:
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} names no tokenizer.model_path (a SentencePiece model)")
    with opener(Path(name).name) as stream:
        return stream.read()
