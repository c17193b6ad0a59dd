"""Builds the frozen message types from plain JSON values, field by field, from their annotations."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from auricle.protocol.settings import InvalidMessage

T = TypeVar("T")
Reader = Callable[[Any, str], Any]
"""(JSON value, path of the field) -> the field's value, or `InvalidMessage` naming the path."""

_LONGEST_REPR = 64
_LARGEST = 1e15


def brief(value: object) -> str:
    """`repr` of a peer's value, cut so that an error message does not send a megabyte back."""
    text = repr(value)
    return text if len(text) <= _LONGEST_REPR else text[:_LONGEST_REPR] + "..."


def build(kind: type[T], values: Mapping[str, Any], *, strict: bool, path: str = "") -> T:
    """An instance of the dataclass `kind` from a JSON object.

    Raises:
        InvalidMessage: A field is missing, has the wrong type or value, or (with `strict`) is unknown.
    """
    readers, required = _fields_of(cast("Any", kind), strict=strict)
    if strict:
        _refuse_unknown(values, readers, path)
    missing = required.difference(values)
    if missing:
        raise InvalidMessage(path + min(missing), "missing")
    return kind(**{name: read(values[name], path + name) for name, read in readers.items() if name in values})


def _refuse_unknown(values: Mapping[str, Any], readers: Mapping[str, Reader], path: str) -> None:
    for name in values:
        if name not in readers:
            expected = ", ".join(readers) or "no fields"
            raise InvalidMessage(path + brief(name).strip("'"), f"unknown; expected {expected}")


@cache
def _fields_of(kind: Any, *, strict: bool) -> tuple[dict[str, Reader], frozenset[str]]:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name], strict=strict) for field in fields(kind)}
    required = (f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING)
    return readers, frozenset(required)


def _reader(hint: Any, *, strict: bool) -> Reader:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _optional(_reader(next(arm for arm in get_args(hint) if arm is not types.NoneType), strict=strict))
    if origin is Literal:
        return _choice(get_args(hint))
    if origin is tuple:
        return _sequence(_reader(get_args(hint)[0], strict=strict))
    if is_dataclass(hint):
        return _nested(hint, strict=strict)
    return _SCALARS[hint]


def _optional(inner: Reader) -> Reader:
    return lambda value, path: None if value is None else inner(value, path)


def _choice(options: tuple[str, ...]) -> Reader:
    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or value not in options:
            raise InvalidMessage(path, f"expected one of {', '.join(options)}, got {brief(value)}")
        return value

    return read


def _sequence(inner: Reader) -> Reader:
    def read(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise InvalidMessage(path, f"expected a list, got {brief(value)}")
        return tuple(inner(item, f"{path}[{index}]") for index, item in enumerate(value))

    return read


def _nested(kind: Any, *, strict: bool) -> Reader:
    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise InvalidMessage(path, f"expected an object, got {brief(value)}")
        return build(kind, value, strict=strict, path=f"{path}.")

    return read


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidMessage(path, f"expected a string, got {brief(value)}")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        # JSON can escape half of a surrogate pair; UTF-8 cannot encode it, so it could not be sent back.
        raise InvalidMessage(path, "contains half of a surrogate pair")
    return value


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidMessage(path, f"expected true or false, got {brief(value)}")
    return value


def _integer(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidMessage(path, f"expected a whole number, got {brief(value)}")
    return value


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidMessage(path, f"expected a number, got {brief(value)}")
    if not abs(value) <= _LARGEST:
        raise InvalidMessage(path, "out of range")
    return float(value)


_SCALARS: dict[Any, Reader] = {str: _string, bool: _boolean, int: _integer, float: _number}
