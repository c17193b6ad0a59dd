"""What a checkpoint's own configuration says, without its weights. Loads no tensor library."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

from auricle_server.checkpoints.config import ModelConfig, parse_config
from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.languages import offered_languages
from auricle_server.checkpoints.nemo.members import CONFIG_NAME, Folder, opened, read_config
from auricle_server.checkpoints.safetensors.config import folder_config


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a checkpoint's own configuration says.

    Attributes:
        languages: Codes that a stream may name.
        latencies_ms: Chunk latencies, ascending.
    """

    languages: tuple[str, ...]
    latencies_ms: tuple[int, ...]


def facts(path: Path) -> ModelFacts:
    """Reads the configuration of a checkpoint, without its weights.

    Raises:
        CheckpointError: The configuration is missing, or is not that of a model that Auricle runs.
    """
    config = _config(path)
    chunks = sorted({right + 1 for _, right in config.encoder.contexts})
    return ModelFacts(
        offered_languages(config.prompt), tuple(round(config.frame_seconds * 1000 * chunk) for chunk in chunks)
    )


def _config(path: Path) -> ModelConfig:
    if path.is_dir():
        unpacked = (path / CONFIG_NAME).is_file()
        return parse_config(read_config(str(path), Folder(path))) if unpacked else folder_config(path)[0]
    try:
        with opened(path) as members:
            return parse_config(read_config(str(path), members))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadCheckpoint(f"{path} is not a readable .nemo archive ({error})") from error
