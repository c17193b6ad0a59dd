"""The models that Auricle brings along, and what the cards of published ones say. Loads no tensor library."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

from auricle_server.checkpoints.config import ModelConfig, parse_config
from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.languages import ENGLISH_ONLY, TRAINED, offered_languages
from auricle_server.checkpoints.nemo.members import CONFIG_NAME, Folder, opened, read_config
from auricle_server.checkpoints.safetensors.config import folder_config

_DEMO = Path(__file__).parent / "demo"
BUNDLED = {"demo": _DEMO / "demo_en.nemo", "demo-multilingual": _DEMO / "demo_multilingual.nemo"}
"""Models that come with the package, by name."""
OWN_LICENCE = "Apache-2.0"
"""Licence of the bundled models."""
_NVIDIA, _CC_BY = "NVIDIA Open Model License", "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A published model, as its card describes it.

    Attributes:
        id: Its id on the hub.
        licence: Its licence.
        languages: Languages that it was trained on.
        latencies_ms: Chunk latencies, ascending.
        note: What is special about it.
    """

    id: str
    licence: str
    languages: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    note: str = ""


KNOWN_MODELS = (
    KnownModel("nvidia/nemotron-speech-streaming-en-0.6b", _NVIDIA, ENGLISH_ONLY[:1], (80, 160, 560, 1120)),
    KnownModel(
        "nvidia/nemotron-3.5-asr-streaming-0.6b",
        "OpenMDW-1.1",
        tuple(sorted(TRAINED)),
        (80, 160, 320, 560, 1120),
        "language prompt or automatic",
    ),
    KnownModel(
        "nvidia/stt_en_fastconformer_hybrid_large_streaming_multi",
        _CC_BY,
        ENGLISH_ONLY[:1],
        (80, 160, 560, 1120),
        "its CTC head is not used",
    ),
    KnownModel(
        "nvidia/stt_en_fastconformer_hybrid_medium_streaming_80ms_pc",
        _CC_BY,
        ENGLISH_ONLY[:1],
        (160,),
        "its CTC head is not used",
    ),
    KnownModel(
        "nvidia/stt_en_fastconformer_hybrid_medium_streaming_80ms",
        _CC_BY,
        ENGLISH_ONLY[:1],
        (160,),
        "its CTC head is not used",
    ),
    KnownModel(
        "nvidia/parakeet_realtime_eou_120m-v1",
        _NVIDIA,
        ENGLISH_ONLY[:1],
        (160,),
        "lower case; marks the end of an utterance",
    ),
)
"""The two models for which Auricle was made, and members of their family."""


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
