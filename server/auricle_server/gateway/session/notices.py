"""Errors and notices of one stream, as events."""

from __future__ import annotations

import logging

from auricle.protocol import codes
from auricle.protocol.codes import CODES
from auricle.protocol.server_messages import Error, KeytermsInForce, ServerEvent
from auricle_server.ipc.messages import KeytermsPrepared
from auricle_server.model_info import ModelInfo
from auricle_server.stream.language_tracker import adaptation_notice
from auricle_server.stream.settings_checks import unwritable_notice

log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 1000
"""Characters of a sentence for a client: far more than any has that repeats nothing of what the client sent."""
_NO_ROOM = "the server has no room for {count} more key terms of this length; the stream keeps those that it had"


def error_event(code: str, message: str, audio_time: float, *, fatal: bool) -> Error:
    """An `Error` with the fault that belongs to its code."""
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}..."
    return Error(code=code, fault=CODES[code].fault, fatal=fatal, message=message, audio_time=audio_time)


def settings_notices(
    keyterms: tuple[str, ...], language: str | None, info: ModelInfo, audio_time: float
) -> list[ServerEvent]:
    """What a client is to expect of settings that are not refused.

    Args:
        keyterms: That it asks for.
        language: That it asks for, one of the model's; None for no other one.
        info: The model.
        audio_time: Seconds of the stream's audio.
    """
    messages = {
        codes.UNWRITABLE_KEYTERMS: unwritable_notice(keyterms, info),
        codes.LANGUAGE_NEEDS_ADAPTATION: None if language is None else adaptation_notice(language, info),
    }
    found = [(code, message) for code, message in messages.items() if message is not None]
    return [error_event(code, message, audio_time, fatal=False) for code, message in found]


def keyterms_event(prepared: KeytermsPrepared, audio_time: float) -> ServerEvent:
    """What a client is told about a list of key terms: that it is in force, or that there is no room for it."""
    if prepared.in_force:
        return KeytermsInForce(count=prepared.count, audio_time=audio_time)
    message = _NO_ROOM.format(count=prepared.count)
    return error_event(codes.NO_ROOM_FOR_KEYTERMS, message, audio_time, fatal=False)


def log_error(session: str, error: Error) -> None:
    """Writes an error that a client is sent to the log."""
    detail = session, error.code, error.fatal, error.audio_time
    log.info("error session=%s code=%s fatal=%s audio_time=%.2f", *detail)
