"""What a checkpoint's own configuration says, without its weights. Loads no tensor library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auricle_server.checkpoints.config import ModelConfig, parse_config
from auricle_server.checkpoints.formats import StoredAs, find_checkpoint
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.languages import offered_languages
from auricle_server.checkpoints.latencies import default_latency_ms, latencies_ms, with_profile
from auricle_server.checkpoints.nemo.members import Folder
from auricle_server.checkpoints.nemo.model_tree import archive_tree, read_tree
from auricle_server.checkpoints.safetensors.config import folder_config


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a checkpoint's own configuration says.

    Attributes:
        languages: Codes that a stream may name.
        latencies_ms: Chunk latencies, ascending.
        default_latency_ms: Of streams that ask for none.
    """

    languages: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    default_latency_ms: int


def facts(path: Path, profile: ModelProfile | None = None) -> ModelFacts:
    """Reads the configuration of a checkpoint, without its weights.

    Args:
        path: A file or a folder.
        profile: Of the model; adds latencies, and has its own default.

    Raises:
        CheckpointError: The configuration is missing, or is not that of a model that Auricle runs.
    """
    config = with_profile(stored_config(path), profile)
    languages = offered_languages(config.prompt, published=profile is not None)
    return ModelFacts(languages, tuple(sorted(latencies_ms(config))), default_latency_ms(config, profile))


def stored_config(path: Path) -> ModelConfig:
    """The architecture of a checkpoint. Raises like `facts`."""
    form, origin = find_checkpoint(path)
    if form is StoredAs.SAFETENSORS:
        return folder_config(origin)[0]
    if form is StoredAs.UNPACKED:
        return parse_config(read_tree(str(origin), Folder(origin)))
    return parse_config(archive_tree(origin))
