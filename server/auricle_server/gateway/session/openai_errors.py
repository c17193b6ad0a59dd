"""Refusals as OpenAI's API writes them, in HTTP answers and in events."""

from __future__ import annotations

from typing import Any

from auricle.protocol import codes
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.endpoint import RefusalAnswer

OPENAI_MODELS = ("whisper", "gpt-", "o1", "o3", "o4")
"""Beginnings of the names of OpenAI's models."""
_CODES = {
    codes.UNAUTHORIZED: "invalid_api_key",
    codes.UNKNOWN_MODEL: "model_not_found",
    codes.TOO_MANY_STREAMS: "rate_limit_exceeded",
}
"""Those that programs know from OpenAI; the others are Auricle's own."""
REFUSES_UPDATE = {
    codes.UNSUPPORTED_LATENCY,
    codes.UNSUPPORTED_LANGUAGE,
    codes.UNSUPPORTED_KEYTERMS,
    codes.INVALID_KEYTERMS,
}
"""Errors after which nothing of an update is in force."""


def error_object(code: str, message: str, *, status: int, param: str | None = None) -> dict[str, Any]:
    """The value of ``error``.

    Args:
        code: One of `auricle.protocol.codes`.
        message: A sentence for a person.
        status: Of HTTP, or the one that fits an event.
        param: The field that is wrong; None for no one field.
    """
    return {"message": message, "type": _kind(status), "param": param, "code": _CODES.get(code, code)}


def _kind(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def refusal_answer(refusal: Refusal) -> RefusalAnswer:
    """How the API says that a request is refused."""
    return RefusalAnswer({"error": error_object(refusal.code, refusal.message, status=refusal.status)})
