"""Messages to JSON text and back.

The two directions differ on purpose. A server is strict: it would silently ignore a field that it does not know, so it
refuses the message. A client is lenient: it skips the fields and events that a newer server may add.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from auricle.protocol import codes
from auricle.protocol.audio_positions import ChunkGrid, Held
from auricle.protocol.client_messages import PROTOCOL_VERSION, ClientMessage, Start
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import (
    Final,
    Interim,
    LanguageSpan,
    Limits,
    ServerEvent,
    TurnEagerEnd,
    TurnEnd,
    Word,
)
from auricle.protocol.settings import InvalidMessage, Replacement, TextFormat, TurnSettings, brief

T = TypeVar("T")

_CLIENT_MESSAGES: dict[str, type[ClientMessage]] = {kind.TYPE: kind for kind in get_args(ClientMessage)}
_SERVER_EVENTS: dict[str, type[ServerEvent]] = {kind.TYPE: kind for kind in get_args(ServerEvent)}
_ADDED: dict[type, frozenset[str]] = {
    Interim: frozenset({"words"}),
    Final: frozenset({"languages", "collected"}),
    TurnEagerEnd: frozenset({"collected"}),
    TurnEnd: frozenset({"collected"}),
    Start: frozenset({"refine", "offline", "interim_words", "text_format", "signals", "model"}),
    TurnSettings: frozenset(
        {"end_threshold", "eager_threshold", "min_silence_ms", "max_silence_ms", "expect", "no_words"}
    ),
}
"""Fields that were added later. An older server refuses fields that it does not know,
so these are sent only where they differ from their default."""
# Looked up once and not for each message: `dataclasses.fields` builds a new tuple at every call.
_FIELDS: dict[type, tuple[tuple[str, object], ...]] = {
    kind: tuple((field.name, field.default if field.name in _ADDED.get(kind, ()) else None) for field in fields(kind))
    for kind in (
        *_CLIENT_MESSAGES.values(),
        *_SERVER_EVENTS.values(),
        TurnSettings,
        TextFormat,
        Replacement,
        Word,
        LanguageSpan,
        Limits,
        ChunkGrid,
        Held,
    )
}
"""Each field's name, and the value at which the field is left out."""
_SIMPLE = frozenset({str, float, int, bool})
"""Types of values that are JSON as they are."""


def encode_client(message: ClientMessage) -> str:
    """JSON text of a client message."""
    return _encode(message)


def encode_event(event: ServerEvent, seq: int | None = None) -> str:
    """JSON text of a server event; with another number if `seq` is given."""
    return _encode(event, seq)


def decode_client(text: str) -> ClientMessage:
    """The message in a client's text; unknown fields are errors.

    Raises:
        ProtocolViolation: `bad_json`, `unknown_message`, `unsupported_version` or `invalid_field`.
    """
    values = _parse(text)
    kind = _CLIENT_MESSAGES.get(_type_of(values))
    if kind is None:
        expected = ", ".join(_CLIENT_MESSAGES)
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, f"type {brief(values['type'])} is not one of {expected}")
    if kind is Start:
        _check_version(values)
    return _build(kind, values, strict=True)


def decode_event(text: str) -> ServerEvent | None:
    """The event in a server's text; unknown fields are skipped, an unknown event is None.

    Raises:
        ProtocolViolation: `bad_json` or `invalid_field`.
    """
    values = _parse(text)
    kind = _SERVER_EVENTS.get(_type_of(values))
    return None if kind is None else _build(kind, values, strict=False)


# Text messages are UTF-8 (RFC 6455, section 5.6); ASCII escapes would take 6 bytes for a Chinese or Hindi character
# instead of 3. `json.dumps` would make a new encoder for each message.
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _encode(message: ClientMessage | ServerEvent, seq: int | None = None) -> str:
    values = {"type": message.TYPE, **_plain(message)}
    if seq is not None:
        values["seq"] = seq
    return _to_json(values)


def _plain(value: Any) -> Any:
    """Dataclasses as dicts; `dataclasses.asdict` copies deeply, which takes several times as long."""
    kind = type(value)
    if kind is tuple:
        return [_plain(item) for item in value]
    known = _FIELDS.get(kind)
    if known is None:
        return value
    values = {}
    for name, default in known:
        item = getattr(value, name)
        if item is not None and item != default:
            values[name] = item if type(item) in _SIMPLE else _plain(item)
    return values


def _parse(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    # Deep nesting raises RecursionError, which is no ValueError; both are the peer's fault and end only its stream.
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(codes.BAD_JSON, f"not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ProtocolViolation(codes.BAD_JSON, "expected a JSON object")
    return values


def _refuse_constant(name: str) -> NoReturn:
    # Python's parser accepts NaN and Infinity, which RFC 8259, section 6, excludes.
    raise ValueError(f"{name} is not a JSON number")


def _type_of(values: Mapping[str, Any]) -> str:
    kind = values.get("type")
    if not isinstance(kind, str):
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, "a message needs a type, a string")
    return kind


def _check_version(values: Mapping[str, Any]) -> None:
    """Checked before the fields: another version may have other fields."""
    version = values.get("version", PROTOCOL_VERSION)
    # A version of another type is left to `_build`, which reports an invalid field.
    if type(version) is int and version != PROTOCOL_VERSION:
        message = f"this server speaks version {PROTOCOL_VERSION}, not {brief(version)}"
        raise ProtocolViolation(codes.UNSUPPORTED_VERSION, message)


def _build(kind: type[T], values: Mapping[str, Any], *, strict: bool) -> T:
    payload = {name: value for name, value in values.items() if name != "type"}
    try:
        return _from_json(kind, payload, strict=strict)
    except InvalidMessage as error:
        raise ProtocolViolation(codes.INVALID_FIELD, str(error)) from error


# --- plain JSON values as the frozen types, field by field, from their annotations -----------------------------------

Reader = Callable[[Any, str], Any]
"""(JSON value, path of the field) -> the field's value, or `InvalidMessage` naming the path."""

# Far beyond every time and share. JSON bounds no number: 1e999 parses as infinity, and `float` raises OverflowError for
# an integer of 400 digits.
_LARGEST = 1e15


def _from_json(kind: type[T], values: Mapping[str, Any], *, strict: bool, path: str = "") -> T:
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
    # Evaluates every annotation from its source text, so the result is cached for each kind of message.
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name], strict=strict) for field in fields(kind)}
    required = (f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING)
    return readers, frozenset(required)


def _reader(hint: Any, *, strict: bool) -> Reader:
    origin = get_origin(hint)
    # `X | None` has the origin UnionType up to Python 3.13 and Union from 3.14 on; messages have no other unions.
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
        return _from_json(kind, value, strict=strict, path=f"{path}.")

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
    # bool is a subclass of int: JSON's true would pass as 1.
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
