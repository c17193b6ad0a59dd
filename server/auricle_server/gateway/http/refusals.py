"""Refusals as HTTP answers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSCloseCode, web

from auricle.protocol.codec import encode_event
from auricle.protocol.codes import CODES, ERROR_HEADER
from auricle.protocol.server_messages import Error
from auricle.protocol.subprotocols import SUBPROTOCOL
from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.http.socket import Socket
from auricle_server.gateway.listening.application import Handler
from auricle_server.gateway.session.endpoint import RefusalAnswer
from auricle_server.telemetry.metrics import Metrics

_EXPLAIN_SECONDS = 2.0
"""How long a client that is told on an open connection may take for its close frame."""


class Refusals:
    """Answers and counts the refusals of a gateway.

    Args:
        config: Of the server.
        metrics: Of the gateway.
    """

    def __init__(self, config: ServerConfig, metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics

    def handler(self, refuse: Callable[[Refusal], RefusalAnswer], serve: Handler) -> Handler:
        """What serves a request, and answers its refusals in the words of a wire format.

        Args:
            refuse: As `Endpoint.refuse`.
            serve: Serves the request, or raises a `Refusal`.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await serve(request)
            except Refusal as refusal:
                return self.answer(refusal, refuse(refusal))

        return handle

    def answer(self, refusal: Refusal, form: RefusalAnswer | None = None) -> web.Response:
        """The answer to a request that is refused.

        Args:
            refusal: Why.
            form: How the client's wire format says so; None for the native one.
        """
        self._metrics.refused.labels(refusal.code).inc()
        if form is None:
            form = RefusalAnswer({"code": refusal.code, "message": refusal.message})
        headers = {ERROR_HEADER: header_text(f"{refusal.code}: {refusal.message}")}
        headers |= {name: header_text(value) for name, value in form.headers.items()}
        after = self._retry_after(refusal)
        if after is not None:
            headers["Retry-After"] = str(after)
        status = refusal.status if form.status is None else form.status
        if status == web.HTTPUnauthorized.status_code:
            # RFC 9110, section 15.5.2: a 401 must carry a challenge. RFC 6750, section 3, gives its form.
            headers["WWW-Authenticate"] = "Bearer"
        return web.json_response(form.body, status=status, headers=headers)

    async def explain(self, refusal: Refusal, request: web.Request) -> web.StreamResponse:
        """Refuses a request on an open connection, for a page, which does not see the answer to its request."""
        self._metrics.refused.labels(refusal.code).inc()
        row = CODES[refusal.code]
        error = Error(
            code=row.code,
            fault=row.fault,
            fatal=True,
            message=refusal.message,
            retry_after=self._retry_after(refusal),
        )
        # Whatever comes from the client is ignored.
        socket = Socket(self._config.limits.message_bytes, (SUBPROTOCOL,))
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_EXPLAIN_SECONDS):
                await socket.prepare(request)
                await socket.send_str(encode_event(error, seq=1))
                await socket.finish(request, row.close_code or WSCloseCode.POLICY_VIOLATION)
        return socket

    def _retry_after(self, refusal: Refusal) -> int | None:
        # RFC 9110, section 10.2.3: whole seconds. None after a 401, where another try is useless.
        if not refusal.retry:
            return None
        return math.ceil(self._config.retry_after_seconds if refusal.retry_after is None else refusal.retry_after)


def upgrade_required() -> web.Response:
    """The answer to a plain request where a WebSocket is served."""
    # RFC 9110, section 15.5.22: a 426 must name the protocol in `Upgrade`, and `Connection` must list that header
    # (7.8).
    return web.json_response(
        {"code": "upgrade_required", "message": "this is a WebSocket endpoint"},
        status=426,
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


def header_text(text: str) -> str:
    """A sentence as the value of a header: RFC 9110, section 5.5, allows visible ASCII and spaces in new ones."""
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in text)
