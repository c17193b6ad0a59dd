"""Errors as a server sends them: a row of the code table as the text of an event."""

from __future__ import annotations

from auricle.protocol import CODES, Error, ServerConnection


def refusal(connection: ServerConnection, code: str, message: str, audio_time: float = 0.0) -> str:
    """The text of a non-fatal error: the stream goes on as it was."""
    return connection.send(_error(code, message, audio_time, fatal=False))


def failure(connection: ServerConnection, code: str, message: str, audio_time: float = 0.0) -> tuple[str, int]:
    """The text of a fatal error, and the WebSocket code to close with after it."""
    return connection.send(_error(code, message, audio_time, fatal=True)), CODES[code].close_code


def _error(code: str, message: str, audio_time: float, *, fatal: bool) -> Error:
    return Error(code=code, fault=CODES[code].fault, fatal=fatal, message=message, audio_time=audio_time)
