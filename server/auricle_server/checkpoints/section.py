"""A section of a configuration, whose errors name what is missing or different."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel

RUNS = "Auricle runs cache-aware streaming FastConformer-RNNT models; `auricle models` lists some"


class Section:
    """One section of ``model_config.yaml``.

    Args:
        name: Its path, for messages.
        values: Its content.
    """

    def __init__(self, name: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise BadCheckpoint(f"model_config.yaml has no section {name!r}; this is not a NeMo RNNT checkpoint")
        self._name, self._values = name, values

    def find(self, key: str, default: Any = None) -> Any:
        """The value, or `default` where it is missing or null."""
        value = self._values.get(key)
        return default if value is None else value

    def get(self, key: str) -> Any:
        """The value.

        Raises:
            BadCheckpoint: It is missing.
        """
        value = self.find(key)
        if value is None:
            raise BadCheckpoint(f"model_config.yaml: {self._name}.{key} is missing")
        return value

    def expect(self, key: str, wanted: Any, default: Any = None, *, why: str = "") -> None:
        """Refuses any value but `wanted`, or those in a tuple `wanted`; `why` says what another value would mean."""
        found = self._values.get(key, default)
        if found not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            self.refuse(key, found, why or f"models that the engine runs have {_listed(wanted)}")

    def refuse(self, key: str, found: Any, why: str) -> None:
        """Raises `UnsupportedModel`."""
        raise UnsupportedModel(f"{self._name}.{key} is {found!r}: {why}. {RUNS}")

    def inner(self, key: str) -> Section:
        """A subsection."""
        return Section(f"{self._name}.{key}", self._values.get(key))


def _listed(wanted: Any) -> str:
    return " or ".join(map(repr, wanted)) if isinstance(wanted, tuple) else repr(wanted)
