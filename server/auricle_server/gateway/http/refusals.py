"""Refusals as HTTP answers."""

from __future__ import annotations

import math
from collections.abc import Callable

from aiohttp import web

from auricle.protocol.codes import ERROR_HEADER
from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.listening.application import Handler
from auricle_server.gateway.session.endpoint import RefusalAnswer
from auricle_server.metrics import Metrics


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
        # RFC 9110, section 10.2.3: whole seconds. None after a 401, where another try is useless.
        if refusal.retry:
            after = self._config.retry_after_seconds if refusal.retry_after is None else refusal.retry_after
            headers["Retry-After"] = str(math.ceil(after))
        status = refusal.status if form.status is None else form.status
        if status == web.HTTPUnauthorized.status_code:
            # RFC 9110, section 15.5.2: a 401 must carry a challenge. RFC 6750, section 3, gives its form.
            headers["WWW-Authenticate"] = "Bearer"
        return web.json_response(form.body, status=status, headers=headers)


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
