"""Reads NeMo's checkpoint format without NeMo: a ``.nemo`` archive or the folder that it unpacks to.

The archive is a tar file (plain or gzipped) of ``model_config.yaml``, ``model_weights.ckpt`` and the SentencePiece
tokenizer under a name that the configuration gives. Nothing is executed and no member is unpacked to disk; the weights
of a plain archive are mapped, not read.
"""

from __future__ import annotations

import pickle
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import torch
import yaml

from auricle_server.checkpoints.config import parse_config
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.mapped import NotMappable, Span, map_weights
from auricle_server.checkpoints.raw import RawCheckpoint
from auricle_server.checkpoints.tokenizer import sentencepiece_pieces

CONFIG_NAME = "model_config.yaml"
WEIGHTS_NAME = "model_weights.ckpt"
_GZIP = b"\x1f\x8b"


class _Members(Protocol):
    """The files of a checkpoint, by their base names."""

    def open(self, name: str) -> IO[bytes]: ...

    def span(self, name: str) -> Span | None:
        """Where the member lies on disk; None where it is compressed."""
        ...


def read_archive(path: Path) -> RawCheckpoint:
    """Reads a ``.nemo`` file.

    Raises:
        BadCheckpoint: Not a checkpoint, or damaged.
        UnsupportedModel: A checkpoint of a model that this engine does not run.
    """
    try:
        with _opened(path) as members:
            return _read(str(path), members)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadCheckpoint(
            f"{path} is not a readable .nemo archive ({error}); if it was downloaded or copied, it may be cut short"
        ) from error


def read_unpacked(folder: Path) -> RawCheckpoint:
    """Reads the folder that a ``.nemo`` file unpacks to. Raises like `read_archive`."""
    return _read(str(folder), _Folder(folder))


@contextmanager
def _opened(path: Path) -> Iterator[_Members]:
    with path.open("rb") as stream:
        plain = stream.read(len(_GZIP)) != _GZIP
    with tarfile.open(path) as archive:
        yield _Archive(path, archive, plain=plain)


class _Archive:
    def __init__(self, path: Path, archive: tarfile.TarFile, *, plain: bool) -> None:
        self._path, self._archive, self._plain = path, archive, plain
        self._members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}

    def open(self, name: str) -> IO[bytes]:
        stream = self._archive.extractfile(self._member(name))
        assert stream is not None  # only regular files are in `_members`
        return stream

    def span(self, name: str) -> Span | None:
        member = self._member(name)
        return Span(self._path, member.offset_data, member.size) if self._plain and not member.issparse() else None

    def _member(self, name: str) -> tarfile.TarInfo:
        if name not in self._members:
            raise BadCheckpoint(f"the archive has no {name}; it is not a NeMo checkpoint")
        return self._members[name]


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> IO[bytes]:
        return self._path(name).open("rb")

    def span(self, name: str) -> Span | None:
        path = self._path(name)
        return Span(path, 0, path.stat().st_size)

    def _path(self, name: str) -> Path:
        path = self._folder / name
        if not path.is_file():
            raise BadCheckpoint(f"{self._folder} has no {name}; it is not a whole NeMo checkpoint")
        return path


def _read(origin: str, members: _Members) -> RawCheckpoint:
    raw = _read_config(origin, members)
    config = parse_config(raw)  # what does not fit is refused before anything large is read
    return RawCheckpoint(config, _read_weights(origin, members), _read_pieces(origin, raw, members))


def _read_config(origin: str, members: _Members) -> dict[str, Any]:
    with members.open(CONFIG_NAME) as stream:
        try:
            config = yaml.safe_load(stream)
        except yaml.YAMLError as error:
            raise BadCheckpoint(f"{origin}: {CONFIG_NAME} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} does not hold a configuration")
    return config


def _read_weights(origin: str, members: _Members) -> dict[str, torch.Tensor]:
    span = members.span(WEIGHTS_NAME)
    try:
        weights = _streamed(members) if span is None else _mapped(span, members)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError) as error:
        raise BadCheckpoint(f"{origin}: {WEIGHTS_NAME} cannot be read as weights: {error}") from error
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise BadCheckpoint(f"{origin}: {WEIGHTS_NAME} is not a dictionary of tensors")
    return weights


def _mapped(span: Span, members: _Members) -> Any:
    try:
        return map_weights(span)
    except NotMappable:
        return _streamed(members)


def _streamed(members: _Members) -> Any:
    with members.open(WEIGHTS_NAME) as stream:
        return torch.load(stream, map_location="cpu", weights_only=True)


def _read_pieces(origin: str, config: Mapping[str, Any], members: _Members) -> tuple[str, ...]:
    section = config.get("tokenizer") or {}
    kind = section.get("type", "bpe")
    if kind != "bpe":
        raise UnsupportedModel(
            f"tokenizer.type is {kind!r}; Auricle reads models with one SentencePiece tokenizer (type 'bpe'), and "
            f"detokenises its pieces as they come; take a member of the family that has one"
        )
    name = str(section.get("model_path") or "").removeprefix("nemo:")
    if not name:
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} names no tokenizer.model_path (a SentencePiece model)")
    with members.open(Path(name).name) as stream:
        return sentencepiece_pieces(stream.read())
