"""In which format the checkpoint at a path is stored. Loads no tensor library."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from auricle_server.checkpoints.errors import CheckpointNotFound
from auricle_server.checkpoints.nemo.members import CONFIG_NAME
from auricle_server.checkpoints.safetensors.config import holds_safetensors, is_complete


class StoredAs(Enum):
    """How a checkpoint is stored."""

    ARCHIVE = "a .nemo file"
    UNPACKED = "the folder that a .nemo file unpacks to"
    SAFETENSORS = "a folder as transformers saves it"


def find_checkpoint(path: Path) -> tuple[StoredAs, Path]:
    """The format of the checkpoint at `path`, and the file or folder to read.

    In a folder with both, complete safetensors precede a ``.nemo`` file: they are mapped whatever wrote them, while an
    archive may be gzipped, and NVIDIA's multilingual one is.

    Args:
        path: A ``.nemo`` file, a safetensors file in its folder, or a folder with either.

    Raises:
        CheckpointNotFound: `path` does not exist, or is a folder without a checkpoint.
    """
    if path.is_dir():
        return _find_in_folder(path)
    if not path.is_file():
        raise CheckpointNotFound(f"{path}: no such file or folder")
    if path.suffix == ".safetensors":
        return StoredAs.SAFETENSORS, path.parent
    return StoredAs.ARCHIVE, path


def _find_in_folder(folder: Path) -> tuple[StoredAs, Path]:
    if (folder / CONFIG_NAME).is_file():
        return StoredAs.UNPACKED, folder
    archives = sorted(folder.glob("*.nemo"))
    if is_complete(folder) or (holds_safetensors(folder) and not archives):
        return StoredAs.SAFETENSORS, folder
    if len(archives) == 1:
        return StoredAs.ARCHIVE, archives[0]
    found = f"{len(archives)} .nemo files" if archives else "neither a .nemo file nor a model_config.yaml"
    raise CheckpointNotFound(
        f"{folder} holds {found}; name the one .nemo file, the folder of an unpacked one, or one with model.safetensors"
    )
