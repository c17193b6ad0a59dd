"""A section of a configuration, whose errors name what is missing or different."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.parsing.bounds import Bounds
from auricle_server.checkpoints.parsing.interpolations import is_reference

RUNS = "Auricle runs cache-aware streaming FastConformer-RNNT models; `auricle models` lists some"
_MISSING = "???"
"""OmegaConf's mark of a value that somebody must give."""
_SHOWN = 80
"""Characters of a value in a message."""


class Section:
    """One section of a configuration.

    Args:
        name: Its path, for messages; empty for the whole file.
        values: Its content.
        file: The file, for messages.
    """

    def __init__(self, name: str, values: Any, file: str = "model_config.yaml") -> None:
        if not isinstance(values, Mapping):
            raise BadCheckpoint(f"{file} has no section {name!r}; this is not a NeMo RNNT checkpoint")
        self._name, self._values, self._file = name, values, file

    def find(self, key: str, default: Any = None) -> Any:
        """The value, or `default` where it is missing or null.

        Raises:
            BadCheckpoint: It refers to a value that the file does not have.
        """
        value = self._found(key)
        return default if value is None else value

    def is_null(self, key: str) -> bool:
        """Whether the key is there without a value, by which NeMo switches some things off."""
        return key in self._values and self._values[key] is None

    def _found(self, key: str) -> Any:
        value = self._values.get(key)
        if is_reference(value):
            raise BadCheckpoint(
                f"{self._place(key)} is {shown(value)}, which refers to what the file does not have; write the value "
                f"itself, or save the checkpoint again with its references resolved"
            )
        return None if value == _MISSING else value

    def get(self, key: str) -> Any:
        """The value.

        Raises:
            BadCheckpoint: It is missing.
        """
        value = self.find(key)
        if value is None:
            raise BadCheckpoint(f"{self._place(key)} is missing")
        return value

    def integer(self, key: str, bounds: Bounds, default: int | None = None) -> int:
        """A whole number within `bounds`; `default` where it is missing or null.

        Raises:
            BadCheckpoint: It is missing and there is no default, is no whole number, or lies outside.
        """
        value = self.get(key) if default is None else self.find(key, default)
        return self.check_integer(key, value, bounds)

    def size(self, key: str, bounds: Bounds, *elsewhere: tuple[Section, str]) -> int:
        """Like `integer`; for -1, by which NeMo says that a size is another one, the first of `elsewhere` that has it.

        Raises:
            BadCheckpoint: Like `integer`, or no other place has it.
        """
        if self.get(key) != -1:
            return self.integer(key, bounds)
        for section, name in elsewhere:
            if section.find(name, -1) != -1:
                return section.integer(name, bounds)
        others = " nor ".join(section.path(name) for section, name in elsewhere)
        raise BadCheckpoint(f"{self._place(key)} is -1, and neither {others} says how large it is")

    def check_integer(self, key: str, value: Any, bounds: Bounds) -> int:
        """`value`, found at `key`, as a whole number within `bounds`. Raises like `integer`."""
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool) or not bounds.least <= value <= bounds.most:
            raise BadCheckpoint(f"{self._place(key)} is {shown(value)}, and not a whole number {bounds}")
        return int(value)

    def number(self, key: str, bounds: Bounds, default: float | None = None) -> float:
        """A number within `bounds`; `default` where it is missing or null. Raises like `integer`."""
        value = self.get(key) if default is None else self.find(key, default)
        found = _as_number(value)
        if not bounds.least <= found <= bounds.most:  # also true of NaN
            raise BadCheckpoint(f"{self._place(key)} is {shown(value)}, and not a number {bounds}")
        return found

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false; `default` where it is missing or null.

        Raises:
            BadCheckpoint: It is neither, or missing without a default.
        """
        value = self.get(key) if default is None else self.find(key, default)
        if not isinstance(value, bool):
            raise BadCheckpoint(f"{self._place(key)} is {shown(value)}, and neither true nor false")
        return value

    def expect(self, key: str, wanted: Any, default: Any = None, *, why: str = "") -> None:
        """Refuses any value but `wanted`, or those in a tuple `wanted`; `why` says what another value would mean."""
        found = self._found(key) if key in self._values else default
        if found not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            self.refuse(key, found, why or f"models that the engine runs have {_listed(wanted)}")

    def refuse(self, key: str, found: Any, why: str) -> None:
        """Raises `UnsupportedModel`."""
        raise UnsupportedModel(f"{self.path(key)} is {shown(found)}: {why}. {RUNS}")

    def reject(self, key: str, found: Any, why: str) -> None:
        """Raises `BadCheckpoint`."""
        raise BadCheckpoint(f"{self._place(key)} is {shown(found)}: {why}")

    def inner(self, key: str) -> Section:
        """A subsection."""
        return Section(self.path(key), self._found(key), self._file)

    def optional(self, key: str) -> Section:
        """A subsection that may be missing; it is empty then."""
        return Section(self.path(key), self.find(key, {}), self._file)

    def items(self) -> list[tuple[Any, Any]]:
        """Keys and values."""
        return list(self._values.items())

    def path(self, key: str) -> str:
        """The key with the names of the sections around it."""
        return f"{self._name}.{key}" if self._name else key

    def _place(self, key: str) -> str:
        return f"{self._file}: {self.path(key)}"


def shown(value: Any) -> str:
    """A value as a message shows it, of a bounded length."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or a list of thousands of levels
        return f"a {type(value).__name__} of great length"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _as_number(value: Any) -> float:
    """NaN where it is none. YAML 1.1 reads ``1e-2`` as a text, OmegaConf, with which NeMo reads it, as a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _listed(wanted: Any) -> str:
    return " or ".join(map(repr, wanted)) if isinstance(wanted, tuple) else repr(wanted)
