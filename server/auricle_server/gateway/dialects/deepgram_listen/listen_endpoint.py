"""Where Deepgram's clients open live streams."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from multidict import MultiMapping

from auricle.protocol import codes
from auricle_server.gateway.dialects.deepgram_listen.listen_dialect import ListenDialect
from auricle_server.gateway.dialects.deepgram_listen.query import read_query
from auricle_server.gateway.dialects.deepgram_listen.results import ListenRequest
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.endpoint import Opening, RefusalAnswer
from auricle_server.model_info import ModelInfo

UNSERVED_HEADER: Final = "Auricle-Unserved"
"""Of the answer to an upgrade request: the parameters that ask for what is not served."""
_SCHEMES: Final = ("token", "bearer")
_TOO_MANY_REQUESTS: Final = 429
_UNAVAILABLE: Final = 503
_CODES: Final = {
    codes.UNAUTHORIZED: "INVALID_AUTH",
    codes.ORIGIN_NOT_ALLOWED: "INSUFFICIENT_PERMISSIONS",
    codes.TOO_MANY_STREAMS: "TOO_MANY_REQUESTS",
    codes.INTERNAL: "INTERNAL_SERVER_ERROR",
}
_STATUS_CODES: Final = {400: "Bad Request", 503: "SERVICE_UNAVAILABLE"}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ListenEndpoint:
    """Deepgram's ``/v1/listen``.

    Args:
        clock: The time in the form of RFC 3339.
    """

    name = "deepgram"
    paths: tuple[str, ...] = ("/v1/listen",)

    def __init__(self, clock: Callable[[], str] = _now) -> None:
        self._clock = clock

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`: ``Token KEY``, ``Bearer KEY``, or a browser's subprotocols ``token, KEY``."""
        given = headers.get("Authorization")
        scheme, _, key = (given or " ".join(_offered(headers))).partition(" ")
        return f"Bearer {key.strip()}" if scheme.lower() in _SCHEMES and key.strip() else given

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:  # noqa: ARG002
        """As `Endpoint.open`."""
        start, options = read_query(query)
        request = ListenRequest(str(uuid.uuid4()), self._clock())
        answer = {"dg-request-id": request.request_id}
        if options.unserved:
            answer[UNSERVED_HEADER] = ", ".join(options.unserved)
        # RFC 6455, section 4.1: a client that offers subprotocols fails unless the server names one of them.
        offered = [each for each in _offered(headers)[:1] if each.lower() in _SCHEMES]
        return Opening(ListenDialect(start, options, request), start, answer, "".join(offered))

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`.

        Clients take every 4xx for final, 429 too, so what another try may change is a 503.
        """
        request_id = str(uuid.uuid4())
        status = _UNAVAILABLE if refusal.status == _TOO_MANY_REQUESTS else refusal.status
        code = _CODES.get(refusal.code) or _STATUS_CODES.get(status, refusal.code)
        body = {"err_code": code, "err_msg": refusal.message, "request_id": request_id}
        return RefusalAnswer(body, {"dg-error": refusal.message, "dg-request-id": request_id}, status)


def _offered(headers: MultiMapping[str]) -> list[str]:
    return [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",") if each.strip()]
