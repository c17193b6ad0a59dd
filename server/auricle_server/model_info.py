"""What the engine, its gateways and their streams must know of the model that is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auricle_server.cures import OFF, Cures
from auricle_server.text.calibration import RAW, WordCalibration


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its users see it.

    The engine describes itself with it, the worker sends it to every gateway, and a stream reads its settings from it:
    one type, so that a new property has one place.

    Attributes:
        name: Model name as users give it; gateways and clients get `public_name` of it.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word, as in SentencePiece.
        latencies_ms: Chunk latencies offered, ascending.
        default_latency_ms: Taken when a client names none.
        languages: Codes offered, ``"auto"`` included where the model detects the language.
        default_language: Taken when a client names none.
        frame_seconds: Length of an encoder frame.
        slots: Streams that the worker can hold.
        lookahead_seconds: Audio beyond the start of its last frame that a chunk rests on.
        words: Makes word times and confidences of frames and tokens.
        cures: The cures that are on.
        languages_to_adapt: Those of `languages` that need fine-tuning before they are of use.
    """

    name: str
    pieces: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    default_latency_ms: int
    languages: tuple[str, ...]
    default_language: str
    frame_seconds: float
    slots: int
    lookahead_seconds: float = 0.0
    words: WordCalibration = RAW
    cures: Cures = OFF
    languages_to_adapt: tuple[str, ...] = ()


def public_name(name: str) -> str:
    """A model's name as clients see it: of a path the last part alone, as its folders are the operator's affair.

    Args:
        name: As the operator gives it: the name of a bundled model, a path, or a hub id.
    """
    path = Path(name).expanduser()
    return path.resolve().name or "model" if path.is_absolute() or path.exists() else name
