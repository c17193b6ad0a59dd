"""Serves the wire formats of other servers over the same sessions as the native one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from aiohttp import web

from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.http.auth import asks_for_websocket
from auricle_server.gateway.http.refusals import upgrade_required
from auricle_server.gateway.http.session_opener import GatewayParts, SessionParts
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.listening.application import Handler
from auricle_server.gateway.session.dialect import Dialect
from auricle_server.gateway.session.endpoint import Endpoint, Opening
from auricle_server.gateway.session.multichannel_session import MultichannelSession
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.worker_pool import WorkerPool


class DialectRoutes:
    """The WebSocket paths of other wire formats.

    Args:
        parts: Of the gateway.
    """

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts

    def routes(self, endpoints: tuple[Endpoint, ...]) -> Iterator[tuple[str, Handler]]:
        """What answers at each path of these endpoints."""
        for endpoint in endpoints:
            for path in endpoint.paths:
                yield path, self._parts.refusals.handler(endpoint.refuse, partial(self._serve, endpoint))

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        key = self._parts.opener.check_access(request, endpoint.authorization(request.query, request.headers))
        if not asks_for_websocket(request):
            return upgrade_required()
        models = self._parts.opener.models(endpoint.foreign_models)
        pool = models.find(endpoint.model(request.query, request.headers))
        opening = endpoint.open(request.query, request.headers, pool.info)
        handler = WebSocketHandler(request, self._parts.config, opening.headers, opening.subprotocol)

        session = handler.session = await self._open(request, key, opening, handler.wake, pool)
        session.slot.models = models
        session.greet(opening.greeting)
        if opening.start is not None:
            session.begin(opening.start)
            if session.failure is not None:
                raise BadRequest(session.failure.message, session.failure.code)
        self._parts.metrics.dialect_streams.labels(opening.dialect.name).inc()
        return await self._parts.connections.serve(handler, key.name)

    async def _open(
        self, request: web.Request, key: ApiKey, opening: Opening, wake: Callable[[], None], pool: WorkerPool
    ) -> Session:
        """The session of a connection; with several channels, the first one's, which leads the others'."""
        latency_ms = None if opening.start is None else opening.start.latency_ms
        kind = MultichannelSession if opening.others else Session
        open_one = partial(self._parts.opener.open, request, key, latency_ms=latency_ms, pool=pool)
        first = await open_one(build=partial(_build, kind, opening.dialect, wake))
        if isinstance(first, MultichannelSession):
            try:
                for dialect in opening.others:
                    build = partial(_build, Session, dialect, first.wake_first)
                    first.others += (await open_one(build=build),)
            except BaseException:
                first.abandon()
                raise
        return first


def _build(kind: type[Session], dialect: Dialect, wake: Callable[[], None], parts: SessionParts) -> Session:
    return kind(parts.lease, parts.limits, parts.metrics, parts.idle_timer, wake, dialect, parts.turn_models)
