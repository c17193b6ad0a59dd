"""Parses YAML whose size is bounded before anything is built.

A few lines of YAML can stand for more than any memory holds: an alias repeats what its anchor names, and a merge copies
it. libyaml's events come without that, so the size of the whole is known from them. Loads no tensor library.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MOST_BYTES = 4 << 20
MOST_VALUES = 50_000
"""Keys and values, those that aliases repeat included. The multilingual model's configuration lists its 13,087 pieces
twice and has 700 values beside them; 50,000 take half a second."""
_MOST_DEPTH = 64
_MOST_DIGITS = 400
"""Characters of a number. One like ``1:1:1`` counts in sixties, for a time that grows with the square of its length."""

# libyaml's loader: the multilingual model's 13,087 pieces, listed twice, take 0.1 s in place of 0.9 s.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: bytes) -> Any:
    """What the text says.

    Raises:
        ValueError: It is no YAML, or too large.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"has {len(text)} bytes, more than the {MOST_BYTES} of any configuration")
    try:
        _check(yaml.parse(text, Loader))
        return yaml.load(text, Loader)  # noqa: S506 - either loader is a safe one
    except _TooLarge as error:
        raise ValueError(str(error)) from error
    # PyYAML's constructors raise all of these for scalars that their tags do not fit.
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"is not YAML: {error}") from error


class _TooLarge(Exception):
    """The message says what is."""


@dataclass(slots=True)
class _Collection:
    """A list or mapping whose end has not come.

    Attributes:
        anchor: Its name for aliases.
        values: Its values so far, with itself.
    """

    anchor: str | None = None
    values: int = 1


@dataclass(slots=True)
class _Sizes:
    """Counts values as they come."""

    total: int = 0
    open: list[_Collection] = field(default_factory=lambda: [_Collection()])
    anchored: dict[str, int | None] = field(default_factory=dict)
    """Values of what an anchor names; None until its end has come."""

    def add(self, values: int) -> None:
        self.open[-1].values += values
        self.total += values
        if self.total > MOST_VALUES:
            raise _TooLarge(f"stands for more than {MOST_VALUES} values, more than any configuration has")

    def begin(self, anchor: str | None) -> None:
        self.open.append(_Collection(anchor))
        self.total += 1
        if anchor is not None:
            self.anchored[anchor] = None
        if len(self.open) > _MOST_DEPTH:
            raise _TooLarge(f"has more than {_MOST_DEPTH} levels of lists and mappings")

    def end(self) -> None:
        ended = self.open.pop()
        if ended.anchor is not None:
            self.anchored[ended.anchor] = ended.values
        self.open[-1].values += ended.values

    def repeat(self, anchor: str) -> None:
        values = self.anchored.get(anchor, 1)  # of an unknown one the loader says that it is unknown
        if values is None:
            raise _TooLarge(f"has an alias *{anchor[:40]} inside of what it stands for")
        self.add(values)


def _check(events: Iterator[yaml.Event]) -> None:
    """Raises `_TooLarge` for what would take too much time or memory to build."""
    sizes = _Sizes()
    for event in events:
        _count(event, sizes)


def _count(event: yaml.Event, sizes: _Sizes) -> None:
    if isinstance(event, yaml.ScalarEvent):
        _check_scalar(event)
        if event.anchor is not None:
            sizes.anchored[event.anchor] = 1
        sizes.add(1)
    elif isinstance(event, yaml.CollectionStartEvent):
        sizes.begin(event.anchor)
    elif isinstance(event, yaml.CollectionEndEvent):
        sizes.end()
    elif isinstance(event, yaml.AliasEvent):
        sizes.repeat(event.anchor)


def _check_scalar(event: yaml.ScalarEvent) -> None:
    plain = event.implicit[0] or event.tag is not None
    if plain and len(event.value) > _MOST_DIGITS and event.value.lstrip("+-")[:1] in set("0123456789."):
        raise _TooLarge(f"has a number of {len(event.value)} characters in line {event.start_mark.line + 1}")
