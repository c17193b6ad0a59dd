"""What the requests and refusals of Deepgram's formats have in common."""

from __future__ import annotations

import uuid

from multidict import MultiMapping

from auricle.protocol import codes
from auricle.protocol.codes import CODES
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.endpoint import RefusalAnswer

# RFC 6455, section 7.4.1.
_NORMAL = 1000
_CLOSE_CODES = {codes.MESSAGE_TOO_BIG: 1009, codes.IDLE_TIMEOUT: 1011}
"""Deepgram closes with 1011 for its own faults and for silence, and with 1008 for what the client has sent."""
DEEPGRAM_MODELS = ("nova", "flux", "enhanced", "base", "whisper", "general", "phonecall", "meeting", "2-")
"""Beginnings of the names of Deepgram's models."""
TOKEN = "token"  # noqa: S105  # the name of a subprotocol, and of a scheme
_SUBPROTOCOLS = "Sec-WebSocket-Protocol"


def authorization(headers: MultiMapping[str]) -> str | None:
    """The key in a request as `Endpoint.authorization` returns it: ``Token K``, ``Bearer K``, or a subprotocol.

    Args:
        headers: Of the request. Browsers can set no header but the subprotocols: ``token, K``.
    """
    value = headers.get("Authorization")
    if value is not None:
        scheme, _, key = value.partition(" ")
        return f"Bearer {key.strip()}" if scheme.lower() == TOKEN else value
    return f"Bearer {_subprotocols(headers)[1]}" if key_subprotocol(headers) else None


def key_subprotocol(headers: MultiMapping[str]) -> str:
    """The subprotocol before a key; empty where there is none.

    RFC 6455, section 4.1: a client that offers subprotocols fails unless the server names one of them.
    """
    offered = _subprotocols(headers)
    return offered[0] if len(offered) > 1 and offered[0].lower() in {TOKEN, "bearer"} else ""


def _subprotocols(headers: MultiMapping[str]) -> list[str]:
    return [each.strip() for each in headers.get(_SUBPROTOCOLS, "").split(",")]


def close_code(code: str | None) -> int:
    """The WebSocket code to close with, see `Dialect.close_code`."""
    if code is None:
        return _NORMAL
    return _CLOSE_CODES.get(code, 1011 if CODES[code].fault == "server" else 1008)


def refusal_answer(refusal: Refusal) -> RefusalAnswer:
    """A refusal as Deepgram words it.

    Its clients take every 4xx as final, 429 too (Pipecat's `DeepgramSTTService`), so what another try may change is a
    503.
    """
    request_id, code = str(uuid.uuid4()), refusal.code.upper()
    status = 503 if refusal.status == 429 else None
    body = {"err_code": code, "err_msg": refusal.message, "request_id": request_id}
    return RefusalAnswer(body, {"dg-error": f"{code}: {refusal.message}", "dg-request-id": request_id}, status)
