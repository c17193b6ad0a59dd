"""References within a configuration, such as ``${model_defaults.enc_hidden}``, replaced by what they refer to.

NeMo reads its configurations with OmegaConf, whose grammar of references this follows: absolute and relative ones, list
items, and references within a text. Resolvers, which call functions (``${oc.env:HOME}``), are not run. A reference that
leads nowhere stays as it is: only a value that somebody needs is an error, and `Section` names it. Loads no tensor
library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint

_REFERENCE = re.compile(r"\$\{\s*([^${}:\s]+)\s*\}")
_INDEX = re.compile(r"\[([^\]]+)\]")
_ROOT = "model"
"""Where NeMo's training files keep what becomes the configuration of a checkpoint."""
_MOST_STEPS = 16
"""References from one to the next; more are a circle."""
_MOST_VALUES = 200_000
"""Values of the whole, those that references repeat included; see `yaml_text.MOST_VALUES`."""

_NOTHING = object()

Path = tuple[str, ...]


def resolved(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the tree in which references are replaced.

    Raises:
        BadCheckpoint: With its references it stands for more values than any configuration has.
    """
    copy: dict[str, Any] = _References(tree).copy(tree, (), 0)
    return copy


def is_reference(value: Any) -> bool:
    """Whether a value refers to one that was not found."""
    return isinstance(value, str) and "${" in value


class _References:
    """The references of one tree."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_VALUES

    def copy(self, value: Any, path: Path, steps: int) -> Any:
        """What stands at `path`, `steps` references after the first."""
        self._left -= 1
        if self._left < 0:
            raise BadCheckpoint(f"the configuration's references stand for more than {_MOST_VALUES} values")
        if isinstance(value, Mapping):
            return {key: self.copy(each, (*path, str(key)), steps) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.copy(each, (*path, str(index)), steps) for index, each in enumerate(value)]
        return self._text(value, path, steps) if is_reference(value) else value

    def _text(self, text: str, path: Path, steps: int) -> Any:
        if steps == _MOST_STEPS:
            return text
        whole = _REFERENCE.fullmatch(text.strip())
        if whole is None:
            replaced = _REFERENCE.sub(lambda found: self._written(found, path), text)
            # A reference may be a part of another: ${sizes.${name}}.
            return text if replaced == text else self.copy(replaced, path, steps + 1)
        value, target = self._find(whole[1], path)
        return text if value is _NOTHING else self.copy(value, target, steps + 1)

    def _written(self, found: re.Match[str], path: Path) -> str:
        """What a reference within a text is replaced by: itself, where it refers to no number or text."""
        value, _ = self._find(found[1], path)
        return str(value) if isinstance(value, str | int | float) else found[0]

    def _find(self, name: str, path: Path) -> tuple[Any, Path]:
        """What a reference at `path` refers to, and where that is."""
        rest = name.lstrip(".")
        up = len(name) - len(rest)
        parts = tuple(part for part in _INDEX.sub(r".\1", rest).split(".") if part)
        if up:
            target = (*path[: max(0, len(path) - up)], *parts)
            return self._at(target), target
        # In a file of its own the model's section is the root, and what referred to it from outside still names it.
        others = parts[1:] if parts[:1] == (_ROOT,) else (_ROOT, *parts)
        target = others if self._at(parts) is _NOTHING else parts
        return self._at(target), target

    def _at(self, path: Path) -> Any:
        value: Any = self._root
        for part in path:
            if isinstance(value, Mapping):
                value = value.get(part, _NOTHING)
            elif isinstance(value, list | tuple) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return _NOTHING
        return value
