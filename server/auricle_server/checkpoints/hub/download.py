"""Downloads the checkpoint of a repository to the hub's local cache."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointNotFound, UnsupportedModel
from auricle_server.checkpoints.hub.cache import Repository, cache_folder, cached
from auricle_server.checkpoints.hub.listing import explained, list_files
from auricle_server.checkpoints.hub.transfer import RemoteFile, transfer
from auricle_server.checkpoints.progress import Report, silent
from auricle_server.checkpoints.safetensors.config import (
    CONFIG_NAME,
    INDEX_NAME,
    PROCESSOR_NAMES,
    TOKENIZER_NAMES,
    WEIGHTS_NAME,
    is_supported,
)

log = logging.getLogger(__name__)

SHARD = "model-"
"""Start of the names of weight files in several parts."""


class FileFormat(StrEnum):
    """Format of a checkpoint."""

    NEMO = "nemo"
    SAFETENSORS = "safetensors"


@dataclass(frozen=True, slots=True)
class Download:
    """A checkpoint in the local cache.

    Attributes:
        path: The checkpoint: a ``.nemo`` file, or a folder with safetensors.
        commit: The repository's commit.
        size: Bytes of its files.
        downloaded: Files that the cache did not have, or had damaged.
    """

    path: Path
    commit: str
    size: int
    downloaded: tuple[str, ...]


def download(repository: Repository, wanted: FileFormat | None = None, report: Report = silent) -> Download:
    """Downloads the repository's checkpoint: its safetensors where it has them, else its ``.nemo`` file.

    Every file is compared with its checksum on the hub, cached files as well.

    Args:
        repository: The repository.
        wanted: The format; None takes what there is.
        report: Receives the progress of each file.

    Raises:
        CheckpointNotFound: The repository or revision does not exist or is not accessible, or the hub does not
            answer.
        UnsupportedModel: It has no checkpoint in a format that Auricle reads.
        DownloadFailed: A file is incomplete or damaged, or the disk is full.
    """
    listing = list_files(repository)
    commit, listed = listing.commit, listing.files
    with explained(repository):
        files, downloaded = choose(repository, listed, wanted), []
        snapshot = cache_folder(repository) / "snapshots" / commit
        for file in files:
            if _ensure(repository, commit, file, report):
                downloaded.append(file.name)
            if wanted is None and _is_of_another_class(snapshot, file, listed):
                files = choose(repository, listed, FileFormat.NEMO)
                downloaded = [file.name for file in files if _ensure(repository, commit, file, report)]
                break
    if repository.revision != commit:
        _write(snapshot.parents[1] / "refs" / repository.revision, commit)
    path = snapshot / files[0].name if files[0].name.lower().endswith(".nemo") else snapshot
    return Download(path, commit, sum(file.size for file in files), tuple(downloaded))


def fetch(repository: Repository, report: Report = silent) -> Path:
    """Path of the repository's checkpoint in the local cache, downloaded when it is missing.

    A cached checkpoint is used without a request to the hub, so that a server starts as fast without a network as with
    one; `auricle pull` downloads a newer one.

    Args:
        repository: The repository.
        report: Receives the progress of each file.

    Raises:
        CheckpointNotFound: The repository does not exist or is not accessible, or the hub cannot be reached and the
            cache has no copy.
        UnsupportedModel: The repository has no checkpoint in a format that Auricle reads.
        DownloadFailed: It was not downloaded completely.
    """
    return cached(repository) or download(repository, report=report).path


def choose(repository: Repository, files: list[RemoteFile], wanted: FileFormat | None) -> list[RemoteFile]:
    """Selects the files of the checkpoint.

    Raises:
        UnsupportedModel: There is no checkpoint of that format.
    """
    archives = sorted((file for file in files if file.name.lower().endswith(".nemo")), key=lambda file: file.name)
    # The configuration first: it is small, and says whether the rest is worth its download.
    parts = sorted((file for file in files if _is_part(file.name)), key=lambda file: file.name != CONFIG_NAME)
    if wanted != FileFormat.NEMO and _has_safetensors(parts, alone=not archives or wanted is not None):
        return parts
    if archives and wanted != FileFormat.SAFETENSORS:
        if len(archives) > 1:
            log.warning("%s has %d .nemo files; the first is taken: %s", repository, len(archives), archives[0].name)
        return archives[:1]
    lacks = {FileFormat.NEMO: "no .nemo file", FileFormat.SAFETENSORS: f"no {WEIGHTS_NAME}"}
    lacking = lacks[wanted] if wanted else f"no .nemo file and no {WEIGHTS_NAME}"
    raise UnsupportedModel(f"{repository} has {lacking}; `auricle models` lists models that load")


def _has_safetensors(parts: list[RemoteFile], *, alone: bool) -> bool:
    """Whether there are weights; beside a ``.nemo`` file only with all that belongs to them."""
    names = {file.name for file in parts}
    others = ({CONFIG_NAME}, set(PROCESSOR_NAMES), set(TOKENIZER_NAMES))
    return bool(names & {WEIGHTS_NAME, INDEX_NAME}) and (alone or all(names & each for each in others))


def _is_of_another_class(snapshot: Path, file: RemoteFile, listed: list[RemoteFile]) -> bool:
    """Whether `file` is the configuration of a class that Auricle does not read, and there is a ``.nemo`` file."""
    if file.name != CONFIG_NAME or not any(each.name.lower().endswith(".nemo") for each in listed):
        return False
    try:
        return not is_supported(snapshot / CONFIG_NAME)
    except BadCheckpoint as error:
        log.warning("%s; the .nemo file is taken", error)
        return True


def _is_part(name: str) -> bool:
    whole = (CONFIG_NAME, WEIGHTS_NAME, INDEX_NAME, *PROCESSOR_NAMES, *TOKENIZER_NAMES)
    return name in whole or (name.startswith(SHARD) and name.endswith(".safetensors"))


def _ensure(repository: Repository, commit: str, file: RemoteFile, report: Report) -> bool:
    """Downloads the file unless the cache has it. Returns whether it was downloaded."""
    from huggingface_hub import hf_hub_url

    if not file.digest:
        raise CheckpointNotFound(f"{repository}: the hub names no checksum for {file.name}; choose another revision")
    folder = cache_folder(repository)
    blob = folder / "blobs" / file.digest
    if blob.exists() and not file.matches(blob):
        log.warning("%s in the cache is damaged and is downloaded again", file.name)
        blob.unlink()
    missing = not blob.exists()
    if missing:
        transfer(file, hf_hub_url(repository.id, file.name, revision=commit), blob, report)
    _link(folder / "snapshots" / commit / file.name, blob)
    return missing


def _link(pointer: Path, blob: Path) -> None:
    """Links a file of a snapshot to its content: the layout of the hub's cache."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    temporary = pointer.with_name(f"{pointer.name}.{os.getpid()}")
    # A rename is atomic: other processes see the old link or the new one, never none.
    temporary.symlink_to(os.path.relpath(blob, pointer.parent))
    temporary.replace(pointer)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)
