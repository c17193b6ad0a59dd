"""Messages to JSON text and back.

The two directions differ on purpose. A server is strict: it would silently ignore a field that it does not know, so it
refuses the message. A client is lenient: it skips the fields and events that a newer server may add.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NoReturn, TypeVar

from auricle.protocol import codes, schema
from auricle.protocol.client_messages import PROTOCOL_VERSION, ClientMessage, End, Finalize, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import (
    ChunkGrid,
    Error,
    Final,
    Held,
    Interim,
    LanguageSpan,
    Limits,
    Ready,
    ServerEvent,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Word,
)
from auricle.protocol.settings import InvalidMessage, TurnSettings

T = TypeVar("T")

_CLIENT_MESSAGES: dict[str, type[ClientMessage]] = {kind.TYPE: kind for kind in (Start, Update, Finalize, End)}
_SERVER_EVENTS: dict[str, type[ServerEvent]] = {
    kind.TYPE: kind
    for kind in (Ready, SpeechStarted, Interim, Final, Settled, TurnEagerEnd, TurnResumed, TurnEnd, Error)
}
_ADDED: dict[type, frozenset[str]] = {
    Final: frozenset({"languages"}),
    Start: frozenset({"refine", "offline"}),
    TurnSettings: frozenset({"end_threshold", "eager_threshold", "min_silence_ms", "max_silence_ms"}),
}
"""Fields that were added later. An older server refuses fields that it does not know,
so these are sent only where they differ from their default."""
_FIELDS: dict[type, tuple[tuple[str, object], ...]] = {
    kind: tuple((field.name, field.default if field.name in _ADDED.get(kind, ()) else None) for field in fields(kind))
    for kind in (
        *_CLIENT_MESSAGES.values(),
        *_SERVER_EVENTS.values(),
        TurnSettings,
        Word,
        LanguageSpan,
        Limits,
        ChunkGrid,
        Held,
    )
}
"""Each field's name, and the value at which the field is left out."""


def encode_client(message: ClientMessage) -> str:
    """JSON text of a client message."""
    return _encode(message)


def encode_event(event: ServerEvent) -> str:
    """JSON text of a server event."""
    return _encode(event)


def decode_client(text: str) -> ClientMessage:
    """The message in a client's text; unknown fields are errors.

    Raises:
        ProtocolViolation: `bad_json`, `unknown_message`, `unsupported_version` or `invalid_field`.
    """
    values = _parse(text)
    kind = _CLIENT_MESSAGES.get(_type_of(values))
    if kind is None:
        expected = ", ".join(_CLIENT_MESSAGES)
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, f"type {schema.brief(values['type'])} is not one of {expected}")
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


def _encode(message: ClientMessage | ServerEvent) -> str:
    return json.dumps({"type": message.TYPE, **_plain(message)}, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Dataclasses as dicts; `dataclasses.asdict` copies deeply, which takes several times as long."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    known = _FIELDS.get(type(value))
    if known is None:
        return value
    items = ((name, getattr(value, name), default) for name, default in known)
    return {name: _plain(item) for name, item, default in items if item is not None and item != default}


def _parse(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(codes.BAD_JSON, f"not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ProtocolViolation(codes.BAD_JSON, "expected a JSON object")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _type_of(values: Mapping[str, Any]) -> str:
    kind = values.get("type")
    if not isinstance(kind, str):
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, "a message needs a type, a string")
    return kind


def _check_version(values: Mapping[str, Any]) -> None:
    """Checked before the fields: another version may have other fields."""
    version = values.get("version", PROTOCOL_VERSION)
    if type(version) is int and version != PROTOCOL_VERSION:
        raise ProtocolViolation(
            codes.UNSUPPORTED_VERSION,
            f"this server speaks version {PROTOCOL_VERSION}, not {schema.brief(version)}",
        )


def _build(kind: type[T], values: Mapping[str, Any], *, strict: bool) -> T:
    payload = {name: value for name, value in values.items() if name != "type"}
    try:
        return schema.build(kind, payload, strict=strict)
    except InvalidMessage as error:
        raise ProtocolViolation(codes.INVALID_FIELD, str(error)) from error
