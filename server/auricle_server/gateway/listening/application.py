"""aiohttp's application around a gateway's routes: what holds for every request, that for no route included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from auricle_server.gateway.listening.access_log import CLIENT_GONE, context_of, write_request
from auricle_server.gateway.listening.descriptors import are_scarce
from auricle_server.gateway.listening.http_connection import SERVER_NAME, HttpConnection
from auricle_server.telemetry.log_context import current_request

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_application(gets: Mapping[str, Handler], posts: Mapping[str, Handler]) -> web.Application:
    """An application that answers GET, HEAD and POST.

    Args:
        gets: What answers GET and HEAD at each path, which may be a pattern of aiohttp.
        posts: What answers POST.
    """
    app = web.Application(middlewares=[_follow_requests])
    app.on_response_prepare.append(_name_server)
    paths = [*gets, *(path for path in posts if path not in gets)]
    for path in paths:
        if path in gets:
            app.router.add_get(path, gets[path], expect_handler=_check_expectation)
        if path in posts:
            app.router.add_post(path, posts[path], expect_handler=_check_expectation)
        methods = [*(("GET", "HEAD") if path in gets else ()), *(("POST",) if path in posts else ())]
        app.router.add_route("*", path, _refusing_methods(methods), expect_handler=_check_expectation)

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "not_found", "message": f"there is only {', '.join(paths)}"}, status=404)

    app.router.add_route("*", "/{path:.*}", refuse, expect_handler=_check_expectation)
    return app


def _refusing_methods(answered: Sequence[str]) -> Handler:
    *others, last = answered
    message = f"only {', '.join(others)} and {last} are answered here" if others else f"only {last} is answered here"

    async def refuse(_: web.Request) -> web.StreamResponse:
        body = {"code": "method_not_allowed", "message": message}
        # RFC 9110, section 15.5.6: a 405 must name the methods.
        return web.json_response(body, status=405, headers={"Allow": ", ".join(answered)})

    return refuse


@web.middleware
async def _follow_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells a connection when it has sent a request, and when that is answered; a task of its own serves each."""
    current_request.set(context_of(request))
    began = time.monotonic()
    try:
        return await _follow(request, handler)
    except (ConnectionError, asyncio.CancelledError):
        # aiohttp logs the requests that it answers only.
        if request.protocol.access_logger is not None:
            write_request(request, CLIENT_GONE, time.monotonic() - began, 0)
        raise


async def _follow(request: web.Request, handler: Handler) -> web.StreamResponse:
    connection = request.protocol
    if not isinstance(connection, HttpConnection):
        return await handler(request)  # of another gateway of this server
    connection.stop_waiting()
    try:
        response = await handler(request)
    finally:
        if connection.transport is not None:
            connection.wait_for_request(request.content)
    if are_scarce() and not response.prepared:
        response.force_close()
    return response


async def _check_expectation(request: web.Request) -> None:
    """For requests with `Expect`, whose value aiohttp would repeat."""
    # RFC 9110, section 10.1.1: a server may answer 100-continue with the final status at once. A route that reads a
    # body says "continue" itself.
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="417: the server knows no expectation but 100-continue")


async def send_continue(request: web.Request) -> None:
    """Tells a client that waits for it to send its body (RFC 9110, section 10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: no answer names versions."""
    response.headers["Server"] = SERVER_NAME
