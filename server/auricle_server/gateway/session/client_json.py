"""JSON of clients in other wire formats than the native one: read leniently, as their servers read it."""

from __future__ import annotations

import base64
import json
from typing import Any, NoReturn

from auricle.protocol import codes
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.settings import brief, is_text

# ASCII escapes would take 6 bytes for a Chinese character instead of 3.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON, without spaces."""
_LARGEST = 1e15
"""Far beyond every time and share; JSON bounds no number."""


class JsonObject:
    """A JSON object whose fields are read one by one; a field that is missing or null reads as None.

    Args:
        values: The object.
        path: Where it stands in the message, for errors; ends with a dot.
    """

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        self.values = values
        self._path = path

    def __contains__(self, name: str) -> bool:
        """Whether the field is there, be it null."""
        return name in self.values

    def text(self, name: str) -> str | None:
        """A string.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self.values.get(name)
        return value if value is None or is_text(value) else self._refuse(name, "a string", value)

    def number(self, name: str) -> float | None:
        """A number.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self.values.get(name)
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
        return value if value is None or fits else self._refuse(name, "a number", value)

    def flag(self, name: str) -> bool | None:
        """A boolean.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self.values.get(name)
        return value if value is None or isinstance(value, bool) else self._refuse(name, "a boolean", value)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of strings; a string alone is a list of one.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self.values.get(name)
        if isinstance(value, str):
            value = [value]
        if value is None:
            return None
        fits = isinstance(value, list) and all(map(is_text, value))
        return tuple(value) if fits else self._refuse(name, "a list of strings", value)

    def audio(self, name: str) -> bytes:
        """Bytes in base64; empty without the field.

        Raises:
            ProtocolViolation: It is no string, or no base64.
        """
        text = self.text(name) or ""
        try:
            return base64.b64decode(text, validate=True)
        except ValueError as error:  # `binascii.Error`, or for what is not ASCII its base class
            raise ProtocolViolation(codes.BAD_AUDIO, f"{self._path}{name}: expected base64: {error}") from error

    def nested(self, name: str) -> JsonObject | None:
        """An object.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._refuse(name, "an object", value)
        return JsonObject(value, f"{self._path}{name}.")

    def objects(self, name: str) -> tuple[JsonObject, ...] | None:
        """A list of objects.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self._refuse(name, "a list of objects", value)
        return tuple(JsonObject(each, f"{self._path}{name}.") for each in value)

    def _refuse(self, name: str, expected: str, value: object) -> NoReturn:
        raise ProtocolViolation(codes.INVALID_FIELD, f"{self._path}{name}: expected {expected}, got {brief(value)}")


def parse_object(text: str) -> JsonObject:
    """A message of a client.

    Raises:
        ProtocolViolation: It is no JSON object.
    """
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():  # perhaps half a surrogate pair, which could go back to no client
            to_json(values).encode()
    # Deep nesting raises RecursionError, which is no ValueError.
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(codes.BAD_JSON, f"not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ProtocolViolation(codes.BAD_JSON, "expected a JSON object")
    return JsonObject(values)


def _refuse_constant(name: str) -> NoReturn:
    # RFC 8259, section 6. Python reads and writes them, and then a client could not read what comes back.
    raise ValueError(f"{name} is no number")
