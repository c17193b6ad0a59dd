"""Finds and loads the two turn models.

Both ship inside the `pipecat-ai` distribution. Only its files are read; Pipecat is not imported.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from auricle_server.voice.silero import Silero
    from auricle_server.voice.smart_turn import SmartTurn

TurnModels = Literal["auto", "off", "require"]
"""Whether the models are used: if they are installed, never, or always: a server without them does not start then."""
TURN_MODELS: tuple[TurnModels, ...] = ("auto", "off", "require")
Signal = Literal["voice", "prosody"]
# Paths inside another distribution may change with any release of it: `find_models` then names the missing file.
_SILERO = "audio/vad/data/silero_vad.onnx"
_SMART_TURN = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
_REMEDY = "in a checkout of Auricle, run: pip install '.[turns]'"


class ModelsMissing(RuntimeError):
    """A required model is not installed, or cannot be loaded; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The model files of this installation.

    Attributes:
        silero: The file of Silero VAD; None where it cannot be used.
        smart_turn: The file of Smart Turn; None where it cannot be used, or Silero, which times it, cannot.
        missing: Which of them is missing and why; empty when both are installed.
    """

    silero: Path | None = None
    smart_turn: Path | None = None
    missing: str = ""

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Which signals of a turn's end the models give."""
        if self.silero is None:
            return ()
        return ("voice",) if self.smart_turn is None else ("voice", "prosody")


@dataclass(frozen=True, slots=True)
class LoadedModels:
    """The models, shared by any number of streams and threads. Each loads when it is first used.

    Attributes:
        silero: Tells whether somebody speaks.
        smart_turn: Tells whether a turn sounds complete; None where it is not installed.
    """

    silero: Silero
    smart_turn: SmartTurn | None = None


def find_models() -> ModelFiles:
    """Looks for both files; imports neither Pipecat nor ONNX Runtime."""
    if find_spec("onnxruntime") is None:
        return ModelFiles(missing="onnxruntime is not installed")
    spec = find_spec("pipecat")
    folders = [] if spec is None else [Path(each) for each in spec.submodule_search_locations or ()]
    if not folders:
        return ModelFiles(missing="pipecat-ai, which holds the models, is not installed")
    silero, smart_turn = _file(folders, _SILERO), _file(folders, _SMART_TURN)
    absent = [Path(name).name for name, path in ((_SILERO, silero), (_SMART_TURN, smart_turn)) if path is None]
    missing = f"the installed pipecat-ai has no {' and no '.join(absent)}" if absent else ""
    return ModelFiles(silero, None if silero is None else smart_turn, missing)


def find_wanted(wanted: TurnModels) -> ModelFiles:
    """The models that a server is to use.

    Raises:
        ModelsMissing: Both are required, and one is not installed.
    """
    if wanted == "off":
        return ModelFiles(missing="turn_models is off")
    found = find_models()
    if wanted == "require":
        if found.missing:
            raise ModelsMissing(f"{found.missing}; {_REMEDY}")
        load_models(found)
    return found


def _file(folders: list[Path], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


@functools.cache
def models_of(found: ModelFiles) -> LoadedModels:
    """The models of these files, not loaded yet; one pair a process.

    Raises:
        ModelsMissing: Silero is missing.
    """
    from auricle_server.voice.silero import Silero
    from auricle_server.voice.smart_turn import SmartTurn

    if found.silero is None:
        raise ModelsMissing(f"{found.missing}; {_REMEDY}")
    return LoadedModels(Silero(found.silero), None if found.smart_turn is None else SmartTurn(found.smart_turn))


def load_models(found: ModelFiles) -> LoadedModels:
    """The models of these files, loaded; blocks for about 0.3 s the first time.

    Raises:
        ModelsMissing: Silero is missing, or a file is damaged.
    """
    models = models_of(found)
    try:
        models.silero.load()
        if models.smart_turn is not None:
            models.smart_turn.load()
    except Exception as error:  # ONNX Runtime raises a different class for each kind of damage
        raise ModelsMissing(f"a model of pipecat-ai cannot be loaded ({error}); {_REMEDY}") from error
    return models
