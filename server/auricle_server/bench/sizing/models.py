"""The models that can be sized, and which committed records are of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle_server.bench.models.shapes import SHAPES
from auricle_server.bench.report.results import load
from auricle_server.bench.sizing.gpus import is_of_type
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.hub.short_names import SHORT_NAMES

Result = Mapping[str, Any]


class CannotSize(ValueError):
    """What was asked for cannot be answered; the message says why, and what can be."""


@dataclass(frozen=True, slots=True)
class SizedModel:
    """An architecture with the names under which it is measured.

    Attributes:
        name: As `--model` names it.
        config: Its architecture.
        recorded: Names of it in records. Random weights take the same time as trained ones.
    """

    name: str
    config: ModelConfig
    recorded: frozenset[str]

    @property
    def latencies_ms(self) -> list[int]:
        """Chunk latencies that it offers, ascending."""
        return sorted(
            {round((right + 1) * self.config.frame_seconds * 1000) for _, right in self.config.encoder.contexts}
        )


_SHAPES = {"nemotron-en": "en", "nemotron-3.5": "3.5", "120m": "120m", "demo": "demo"}


def sized_model(name: str) -> SizedModel:
    """The model that a name means: a short one, one of the hub, or an architecture of `--random-weights`.

    Raises:
        CannotSize: There is no such model.
    """
    short = next((short for short, hub in SHORT_NAMES.items() if hub == name), name)
    short = next((known for known, shape in _SHAPES.items() if f"random-{shape}" == name or shape == name), short)
    if short not in _SHAPES:
        raise CannotSize(f"--model {name}: its architecture is not known here; choose from {', '.join(_SHAPES)}")
    shape = _SHAPES[short]
    names = {short, f"random-{shape}", *([SHORT_NAMES[short]] if short in SHORT_NAMES else [])}
    return SizedModel(short, SHAPES[shape], frozenset(names))


def check_latency(model: SizedModel, latency_ms: int) -> None:
    """Checks that the model offers a latency.

    Raises:
        CannotSize: It does not.
    """
    if latency_ms not in model.latencies_ms:
        offered = ", ".join(map(str, model.latencies_ms))
        raise CannotSize(f"--latency-ms {latency_ms}: {model.name} offers {offered}")


def committed(folder: Path) -> list[dict[str, Any]]:
    """The records below a folder; none where there is no such folder."""
    return load(folder) if folder.is_dir() else []


def of_model(results: Iterable[Result], model: SizedModel) -> list[Result]:
    """Records of benches of the engine with this model."""
    kinds = ("engine", "steps")
    return [each for each in results if each["kind"] in kinds and each["figures"].get("model") in model.recorded]


def of_gpu(results: Iterable[Result], gpu: str) -> list[Result]:
    """Records of machines with a GPU of this type."""
    return [each for each in results if each["machine"]["gpu"] and is_of_type(each["machine"]["gpu"], gpu)]


def of_cpu(results: Sequence[Result], machine: str | None) -> list[Result]:
    """Records of one machine without a GPU: the one named, or the one with the most records.

    Raises:
        CannotSize: No machine without a GPU has that name, or any record.
    """
    found = [each for each in results if not each["machine"]["gpu"]]
    names = [str(each["machine"]["name"]) for each in found]
    if not names:
        raise CannotSize(
            "--cpu: there is no record of this model on a CPU; measure one with: auricle bench engine --device cpu"
        )
    name = machine or max(sorted(set(names)), key=names.count)
    if name not in names:
        raise CannotSize(f"--machine {name}: no record is of it; there are records of {', '.join(sorted(set(names)))}")
    return [each for each in found if each["machine"]["name"] == name]
