"""Serves the wire formats of other servers over the same sessions as the native one."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.http.connections import Connections
from auricle_server.gateway.http.refusals import Refusals, upgrade_required
from auricle_server.gateway.http.session_opener import SessionOpener, SessionParts
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.listening.application import Handler
from auricle_server.gateway.session.endpoint import Endpoint
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.metrics import Metrics


class DialectRoutes:
    """The WebSocket paths of other wire formats.

    Args:
        config: Of the server.
        metrics: Of the gateway.
        opener: Of the gateway.
        connections: Of the gateway.
        workers: Of the gateway.
        refusals: Of the gateway.
    """

    def __init__(
        self,
        config: ServerConfig,
        metrics: Metrics,
        opener: SessionOpener,
        connections: Connections,
        workers: WorkerPool,
        refusals: Refusals,
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._opener = opener
        self._connections = connections
        self._workers = workers
        self._refusals = refusals

    def routes(self, endpoints: tuple[Endpoint, ...]) -> Iterator[tuple[str, Handler]]:
        """What answers at each path of these endpoints."""
        for endpoint in endpoints:
            for path in endpoint.paths:
                yield path, self._handler(endpoint)

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await self._serve(endpoint, request)
            except Refusal as refusal:
                return self._refusals.answer(refusal, endpoint.refuse(refusal))

        return handle

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        key = self._opener.check_access(request, endpoint.authorization(request.query, request.headers))
        if not web.WebSocketResponse().can_prepare(request):
            return upgrade_required()
        opening = endpoint.open(request.query, request.headers, self._workers.info)
        handler = WebSocketHandler(request, self._config, opening.headers, opening.subprotocol)

        def build(parts: SessionParts) -> Session:
            dialect, models = opening.dialect, parts.turn_models
            return Session(parts.lease, parts.limits, parts.metrics, parts.idle_timer, handler.wake, dialect, models)

        latency_ms = None if opening.start is None else opening.start.latency_ms
        session = handler.session = await self._opener.open(request, key, build, latency_ms)
        session.greet(opening.greeting)
        if opening.start is not None:
            session.begin(opening.start)
            if session.failure is not None:
                raise BadRequest(session.failure.message, session.failure.code)
        self._metrics.dialect_streams.labels(endpoint.name).inc()
        return await self._connections.serve(handler, key.name)
