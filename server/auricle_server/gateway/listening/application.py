"""aiohttp's application around a gateway's routes: what holds for every request, that for no route included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from auricle_server.gateway.listening.descriptors import are_scarce
from auricle_server.gateway.listening.http_connection import SERVER_NAME, HttpConnection

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_application(routes: Mapping[str, Handler]) -> web.Application:
    """An application that answers GET and HEAD.

    Args:
        routes: What answers at each path.
    """
    app = web.Application(middlewares=[_follow_requests])
    app.on_response_prepare.append(_name_server)
    for path, handler in routes.items():
        app.router.add_get(path, handler, expect_handler=_check_expectation)

    async def refuse(request: web.Request) -> web.StreamResponse:
        if request.path in routes:
            body = {"code": "method_not_allowed", "message": "only GET and HEAD are answered here"}
            # RFC 9110, section 15.5.6: a 405 must name the methods.
            return web.json_response(body, status=405, headers={"Allow": "GET, HEAD"})
        return web.json_response({"code": "not_found", "message": f"there is only {', '.join(routes)}"}, status=404)

    app.router.add_route("*", "/{path:.*}", refuse, expect_handler=_check_expectation)
    return app


@web.middleware
async def _follow_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells a connection when it has sent a request, and when that is answered."""
    connection = request.protocol
    if not isinstance(connection, HttpConnection):
        return await handler(request)  # of another gateway of this server
    connection.stop_waiting()
    try:
        response = await handler(request)
    finally:
        if connection.transport is not None:
            connection.wait_for_request()
    if are_scarce() and not response.prepared:
        response.force_close()
    return response


async def _check_expectation(request: web.Request) -> None:
    """For requests with `Expect`, whose value aiohttp would repeat."""
    # RFC 9110, section 10.1.1: a server may answer 100-continue with the final status at once. No route reads a body.
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="417: the server knows no expectation but 100-continue")


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: no answer names versions."""
    response.headers["Server"] = SERVER_NAME
