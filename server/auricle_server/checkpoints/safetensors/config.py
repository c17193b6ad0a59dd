"""Reads the configuration of a model that `transformers` saved to a folder. Loads no tensor library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auricle_server.checkpoints.config import ModelConfig, parse_config
from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.parsing.foreign_files import is_pointer, page_or_pointer
from auricle_server.checkpoints.parsing.json_text import MOST_BYTES, parse_json, read_bounded
from auricle_server.checkpoints.safetensors.names import CLASSES, extractor_of, nemo_config
from auricle_server.checkpoints.section import Section

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
PROCESSOR_NAMES = ("processor_config.json", "preprocessor_config.json")
TOKENIZER_NAMES = ("tokenizer.json", "tokenizer.model")


def holds_safetensors(folder: Path) -> bool:
    """Whether `folder` has weights, or the index of their files."""
    return any((folder / name).is_file() for name in (WEIGHTS_NAME, INDEX_NAME))


def is_complete(folder: Path) -> bool:
    """Whether `folder` has all files of a model of one of the classes that Auricle reads.

    A folder beside a ``.nemo`` file may hold safetensors of another class, such as CTC alone.
    """
    if not holds_safetensors(folder) or not all(
        any((folder / name).is_file() for name in names) for names in (PROCESSOR_NAMES, TOKENIZER_NAMES)
    ):
        return False
    try:
        files = weight_files(folder)
        return is_supported(folder / CONFIG_NAME) and all(path.is_file() and not is_pointer(path) for path in files)
    except BadCheckpoint:
        return False


def is_supported(config: Path) -> bool:
    """Whether ``config.json`` names a class that Auricle reads.

    Raises:
        BadCheckpoint: It is missing or not a JSON object.
    """
    return read_json(config).get("model_type") in CLASSES


def folder_config(folder: Path) -> tuple[ModelConfig, Section]:
    """Reads the model's configuration, and that of its features.

    Raises:
        BadCheckpoint: Something is missing or damaged.
        UnsupportedModel: The engine does not run the model.
    """
    processor = _processor(folder)
    config = parse_config(nemo_config(read_json(folder / CONFIG_NAME), processor))
    return config, extractor_of(Section("", processor, PROCESSOR_NAMES[0]))


def weight_files(folder: Path) -> list[Path]:
    """The files with weights: those that the index names, or the only one. They may not exist."""
    if not (folder / INDEX_NAME).is_file():
        return [folder / WEIGHTS_NAME]
    return [folder / name for name in indexed_files(read_json(folder / INDEX_NAME))]


def indexed_files(index: dict[str, Any]) -> list[str]:
    """The names of the files in an index."""
    named = index.get("weight_map")
    if not isinstance(named, dict) or not named:
        raise BadCheckpoint(f"{INDEX_NAME} has no weight_map")
    return sorted({Path(str(name)).name for name in named.values()})


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint.

    Raises:
        BadCheckpoint: It is missing, too large or not a JSON object.
    """
    try:
        content = parse_json(read_part(path))
    except FileNotFoundError as error:
        raise BadCheckpoint(f"{path.parent} has no {path.name}; it is not a complete checkpoint") from error
    except ValueError as error:
        raise BadCheckpoint(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadCheckpoint(f"{path} holds no JSON object")
    return content


def read_part(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file of the folder.

    Raises:
        BadCheckpoint: It has more than `most` bytes, or is a pointer or a page in place of the file.
        FileNotFoundError: There is none.
    """
    content = read_bounded(path, most)
    if what := page_or_pointer(content):
        raise BadCheckpoint(f"{path} is {what}")
    return content


def _processor(folder: Path) -> dict[str, Any]:
    """The processor's configuration, from both files where both exist: early versions kept the features apart."""
    found = [read_json(folder / name) for name in PROCESSOR_NAMES if (folder / name).is_file()]
    if not found:
        raise BadCheckpoint(f"{folder} has neither {' nor '.join(PROCESSOR_NAMES)}, which say how features are made")
    return {key: value for content in reversed(found) for key, value in content.items()}
