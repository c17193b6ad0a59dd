"""What the engine, its gateways and their streams must know of the model that is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auricle_server.cures import OFF, Cures
from auricle_server.text.calibration import RAW, WordCalibration


@dataclass(frozen=True, slots=True)
class DemoHint:
    """What people's speech needs where a bundled model runs, which knows synthesised voices only.

    Attributes:
        model: The bundled model.
        published: Id on the hub of the model that takes its place.
        command: Starts a server with that.
        download_bytes: Size of its download.
        weights_bytes: Memory that its weights take.
        stream_bytes: Memory of each stream.
        free_bytes: Memory that was free on this machine at the start.
        precision: Of the weights, as ``--dtype`` names it.
        device: Where it would run: ``"cpu"``, ``"cuda"``, ...
        streams: How many streams the memory holds; 0 where the weights do not fit. How many the machine is fast enough
            for is another question.
    """

    model: str
    published: str
    command: str
    download_bytes: int
    weights_bytes: int
    stream_bytes: int
    free_bytes: int
    precision: str
    device: str
    streams: int

    @property
    def sentence(self) -> str:
        """The hint in words."""
        fits = f"it holds {self.streams} streams" if self.streams else "that is too little"
        return (
            f"{self.model} knows synthesised voices only. For people's speech run: {self.command} "
            f"(downloads {_gigabytes(self.download_bytes)}; takes {_gigabytes(self.weights_bytes)} of memory in "
            f"{self.precision} and {self.stream_bytes / 1e6:.1f} MB for each stream, and {_gigabytes(self.free_bytes)} "
            f"are free on {self.device}: {fits}). `auricle doctor` estimates how fast it would be."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its users see it.

    The engine describes itself with it, the worker sends it to every gateway, and a stream reads its settings from it:
    one type, so that a new property has one place.

    Attributes:
        name: Model name as users give it; gateways and clients get `public_name` of it, or the name that the operator
            has given to one of several models.
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
        demo: For a bundled model, what people's speech needs; None for others.
        source: `public_name` of the checkpoint; empty in the engine.
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
    demo: DemoHint | None = None
    source: str = ""


def public_name(name: str) -> str:
    """A model's name as clients see it: of a path the last part alone, as its folders are the operator's affair.

    Args:
        name: As the operator gives it: the name of a bundled model, a path, or a hub id.
    """
    path = Path(name).expanduser()
    return path.resolve().name or "model" if path.is_absolute() or path.exists() else name
