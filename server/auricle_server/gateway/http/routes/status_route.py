"""`GET /v1/status`: the server's state once a second, as an event stream; or once, as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from aiohttp import web

from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.http.refusals import Refusals
from auricle_server.gateway.http.routes.status_board import StatusBoard
from auricle_server.gateway.http.session_opener import SessionOpener

STATUS_PATH = "/v1/status"
_STREAM_TYPE = "text/event-stream"
SLOW_SECONDS = 5.0
"""How long one reading may wait for a client that does not read; then the connection is cut."""
_RETRY_MILLISECONDS = 2000
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class StatusRoute:
    """Answers requests for the state.

    Args:
        opener: Checks who asks.
        board: Has the readings.
        refusals: Of the gateway.
    """

    def __init__(self, opener: SessionOpener, board: StatusBoard, refusals: Refusals) -> None:
        self._opener = opener
        self._board = board
        self._refusals = refusals

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request."""
        try:
            self._opener.check_access(request, request.headers.get("Authorization"))
            if request.method == "HEAD":
                return web.Response(headers=_HEADERS, content_type=_STREAM_TYPE)
            async with aclosing(self._board.follow()) as readings:
                first = await anext(readings)
                if _wants_one(request):
                    # The second one: quantiles need two readings, and before this request there may have been none.
                    text = await anext(readings, first)
                    return web.Response(text=text, content_type="application/json", headers=_HEADERS)
                return await _stream(request, first, readings)
        except Refusal as refusal:
            return self._refusals.answer(refusal)


def _wants_one(request: web.Request) -> bool:
    """Whether a client that can read JSON cannot read an event stream."""
    accepted = request.headers.get("Accept", "")
    return "application/json" in accepted and _STREAM_TYPE not in accepted


async def _stream(request: web.Request, first: str, readings: AsyncIterator[str]) -> web.StreamResponse:
    response = web.StreamResponse(
        # The last header is for nginx, which would keep events until it has a page of them.
        headers={**_HEADERS, "Content-Type": _STREAM_TYPE, "X-Accel-Buffering": "no"}
    )
    with suppress(ConnectionError):
        await response.prepare(request)
        await _send(request, response, f"retry: {_RETRY_MILLISECONDS}\ndata: {first}\n\n")
        async for text in readings:
            await _send(request, response, f"data: {text}\n\n")
        await response.write_eof()
    return response


async def _send(request: web.Request, response: web.StreamResponse, text: str) -> None:
    """Writes an event.

    Raises:
        ConnectionError: The client has gone, or reads nothing.
    """
    try:
        async with asyncio.timeout(SLOW_SECONDS):
            await response.write(text.encode())
    except TimeoutError as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError("the client reads nothing") from error
