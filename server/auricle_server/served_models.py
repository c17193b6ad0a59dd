"""The models of one server, as its operator names them: ``en=nemotron-en,slots=64,multi=nemotron-3.5``.

One text says all: a model is ``NAME=SOURCE``, and its own settings follow it as ``SETTING=VALUE``. So a model cannot
have the name of a setting. A text that does not begin with a name is the source of the only model, which clients know
by the name of its checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from auricle_server.config import ConfigError, ServerConfig
from auricle_server.dtypes import DTYPES

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})=(.*)", re.DOTALL)
MOST_MODELS = 16
"""Each takes a process and memory of its own: more are a slip of the finger."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model of a server.

    Attributes:
        source: Name, path or hub id of its checkpoint.
        name: By which clients choose it; empty where it is the only one, and has that of its checkpoint.
        slots: Streams that one worker holds; None takes the server's setting, like the rest.
        workers: Worker processes.
        device: Where it runs.
        dtype: Precision.
        threads: CPU threads of one worker.
        latency_ms: Chunk latency of clients that name none.
        share: Its part of the memory that streams of the models on its device may take, beside the parts of the others;
            None where each model gets memory for as many streams as the others.
    """

    source: str
    name: str = ""
    slots: int | None = None
    workers: int | None = None
    device: str | None = None
    dtype: str | None = None
    threads: int | None = None
    latency_ms: int | None = None
    share: float | None = None

    def config(self, config: ServerConfig) -> ServerConfig:
        """The server's settings, with this model and its own ones."""
        own = {"default_latency_ms": self.latency_ms} | {name: getattr(self, name) for name in _SHARED_SETTINGS}
        return replace(config, model=self.source, **{name: value for name, value in own.items() if value is not None})

    def worker_count(self, config: ServerConfig) -> int:
        """Processes that serve it."""
        return config.workers if self.workers is None else self.workers


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a worker runs, and which other workers of its server need memory there.

    Attributes:
        index: Number of the worker among those of its model; with several of them, also that of its CUDA device.
        machine_workers: Workers of the server on a CPU, which share its cores.
        share: As `ServedModel.share`, of its model.
        later: The workers that are loaded after this one, by model and index; None where the server has one model,
            whose workers share no memory.
    """

    index: int = 0
    machine_workers: int = 1
    share: float | None = None
    later: tuple[tuple[ServedModel, int], ...] | None = None


ALONE = Placement()
"""The only worker of a server."""
_SHARED_SETTINGS = ("slots", "workers", "device", "dtype", "threads")


def _count(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise ValueError(f"1 to {most}")
        return int(text)

    return read


def _device(text: str) -> str:
    if not text:
        raise ValueError("auto, cpu, cuda or cuda:1")
    return text


def _dtype(text: str) -> str:
    if text not in DTYPES:
        raise ValueError(", ".join(DTYPES))
    return text


def _share(text: str) -> float:
    problem = "a number above 0 and up to 1000"
    try:
        share = float(text)
    except ValueError:
        raise ValueError(problem) from None
    if not 0 < share <= 1000:
        raise ValueError(problem)
    return share


_SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "slots": ("slots", _count(1_000_000)),
    "workers": ("workers", _count(64)),
    "device": ("device", _device),
    "dtype": ("dtype", _dtype),
    "threads": ("threads", _count(1024)),
    "latency-ms": ("latency_ms", _count(60_000)),
    "share": ("share", _share),
}
"""What may follow a model: its field, and what reads it."""
assert {field for field, _ in _SETTINGS.values()} == {field.name for field in fields(ServedModel)} - {"source", "name"}


def join_models(texts: Sequence[str]) -> str:
    """Several options ``--model`` as the one text of the configuration.

    Raises:
        ConfigError: There are several, and one has no name.
    """
    if len(texts) > 1:
        for text in texts:
            if _split(text) is None:
                raise ConfigError(f"model: with several models each needs a name: NAME={text}")
    return ",".join(texts)


def parse_models(text: str) -> tuple[ServedModel, ...]:
    """The models of a server; the first one is that of clients that name none.

    Args:
        text: As `ServerConfig.model`.

    Raises:
        ConfigError: It names no models.
    """
    if _split(text) is None:
        return (ServedModel(text),)
    models: list[ServedModel] = []
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if name in _SETTINGS and models:
            models[-1] = _with_setting(models[-1], name, value)
        else:
            _check_name(name, value if separator else "", part)
            models.append(ServedModel(value, name))
    names = [model.name for model in models]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"model: two models have the name {twice!r}; give one another name")
    if len(models) > MOST_MODELS:
        raise ConfigError(f"model: expected at most {MOST_MODELS} models, got {len(models)}")
    return tuple(models)


def served_models(config: ServerConfig) -> tuple[ServedModel, ...]:
    """The models of a configuration; see `parse_models`.

    Raises:
        ConfigError: As `parse_models`.
    """
    return parse_models(config.model)


def split_name(text: str) -> tuple[str, str]:
    """The name, empty where there is none, and the source of one model as an operator writes them."""
    return _split(text) or ("", text)


def _split(text: str) -> tuple[str, str] | None:
    """The name and the rest; None for a source without a name, such as the path of a file that has a ``=``."""
    found = _NAMED.fullmatch(text)
    if found is None or Path(text).expanduser().exists():
        return None
    return found[1], found[2]


def _check_name(name: str, source: str, part: str) -> None:
    if name in _SETTINGS:
        raise ConfigError(f"model: {part!r} has no model before it; {name} is the name of a setting, and no model's")
    if not source or _NAMED.fullmatch(f"{name}=") is None:
        settings = ", ".join(_SETTINGS)
        raise ConfigError(f"model: expected NAME=SOURCE, or one of {settings} with a value, got {part!r}")


def _with_setting(model: ServedModel, name: str, value: str) -> ServedModel:
    field, read = _SETTINGS[name]
    try:
        return replace(model, **{field: read(value)})
    except ValueError as error:
        raise ConfigError(f"model: {model.name}: {name}: expected {error}, got {value!r}") from error
