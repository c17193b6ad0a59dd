"""Keys and refusals as Deepgram has them."""

from __future__ import annotations

import uuid

from multidict import MultiMapping

from auricle.protocol import codes
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.endpoint import RefusalAnswer

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
    offered = _subprotocols(headers)
    return f"Bearer {offered[1]}" if offers_token(headers) else None


def offers_token(headers: MultiMapping[str]) -> bool:
    """Whether the key is a subprotocol, of which the answer must then name the first."""
    offered = _subprotocols(headers)
    return len(offered) > 1 and offered[0].lower() in {TOKEN, "bearer"}


def _subprotocols(headers: MultiMapping[str]) -> list[str]:
    return [each.strip() for each in headers.get(_SUBPROTOCOLS, "").split(",")]


def refusal_answer(refusal: Refusal) -> RefusalAnswer:
    """A refusal as Deepgram words it.

    Its clients take every 4xx as final, 429 too (Pipecat's `DeepgramSTTService`), so a key that has as many streams as
    it may gets 503.
    """
    request_id, code = str(uuid.uuid4()), refusal.code.upper()
    status = 503 if refusal.code == codes.TOO_MANY_STREAMS else None
    body = {"err_code": code, "err_msg": refusal.message, "request_id": request_id}
    return RefusalAnswer(body, {"dg-error": f"{code}: {refusal.message}", "dg-request-id": request_id}, status)
