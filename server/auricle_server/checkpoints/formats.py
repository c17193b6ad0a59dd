"""In which format the checkpoint at a path is stored. Loads no tensor library."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from auricle_server.checkpoints.errors import CheckpointNotFound
from auricle_server.checkpoints.nemo.members import CONFIG_NAME
from auricle_server.checkpoints.parsing.foreign_files import foreign_file
from auricle_server.checkpoints.safetensors.config import holds_safetensors, is_complete

_UNPACKED = (CONFIG_NAME, "model_weights.ckpt")
_TAKEN_FOR_CHECKPOINTS = (".ckpt", ".pt", ".pth", ".bin", ".zip", ".gguf")


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
        path: A ``.nemo`` file, a safetensors file or the weights of an unpacked ``.nemo`` file in its folder, or a
            folder with one of these.

    Raises:
        CheckpointNotFound: `path` does not exist, or is a folder without a checkpoint.
    """
    if path.is_dir():
        return _find_in_folder(path)
    if not path.is_file():
        raise CheckpointNotFound(f"{path}: no such file or folder")
    if path.name in _UNPACKED and (path.parent / CONFIG_NAME).is_file():
        return StoredAs.UNPACKED, path.parent
    if path.suffix.lower() == ".safetensors":
        return StoredAs.SAFETENSORS, path.parent
    return StoredAs.ARCHIVE, path


def _find_in_folder(folder: Path) -> tuple[StoredAs, Path]:
    if (folder / CONFIG_NAME).is_file():
        return StoredAs.UNPACKED, folder
    archives = archives_in(folder)
    if is_complete(folder) or (holds_safetensors(folder) and not archives):
        return StoredAs.SAFETENSORS, folder
    if len(archives) == 1:
        return StoredAs.ARCHIVE, archives[0]
    found = f"{len(archives)} .nemo files" if archives else "neither a .nemo file nor a model_config.yaml"
    if not archives and (other := _other(folder)):
        raise CheckpointNotFound(f"{folder} holds no checkpoint, but {other}")
    raise CheckpointNotFound(
        f"{folder} holds {found}; name the one .nemo file, the folder of an unpacked one, or one with model.safetensors"
    )


def archives_in(folder: Path) -> list[Path]:
    """The ``.nemo`` files of a folder, in whatever case their names end, by name."""
    # A name that begins with a dot is a system's own, such as macOS's "._model.nemo".
    return sorted(each for each in folder.glob("*") if each.suffix.lower() == ".nemo" and not each.name.startswith("."))


def _other(folder: Path) -> str | None:
    """The first file of a folder that people take for a checkpoint, with what it is."""
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in _TAKEN_FOR_CHECKPOINTS and path.is_file() and (what := foreign_file(path)):
            return f"{path.name}, which is {what}"
    return None
