"""The HTTP routes of a gateway: `/v1/stream`, `/healthz`, `/readyz`, `/metrics`, and those of other wire formats."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from auricle.protocol.client_messages import RESUME_HEADER
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.console.console_routes import ConsoleRoutes
from auricle_server.gateway.console.page_config import page_config
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.http.auth import UpgradeRequest, asks_for_websocket, whole_number
from auricle_server.gateway.http.connections import Connections
from auricle_server.gateway.http.dialect_routes import DialectRoutes
from auricle_server.gateway.http.dialects import ENDPOINTS, FILE_ENDPOINTS, QUESTION_ENDPOINTS
from auricle_server.gateway.http.files.file_routes import FileRoutes
from auricle_server.gateway.http.metrics_page import MetricsPage
from auricle_server.gateway.http.refusals import Refusals, upgrade_required
from auricle_server.gateway.http.resume_proxy import RESUME_PATH, ResumeProxy, proxy
from auricle_server.gateway.http.routes.readiness import Readiness, unready
from auricle_server.gateway.http.routes.status_board import StatusBoard
from auricle_server.gateway.http.routes.status_reader import StatusReader
from auricle_server.gateway.http.routes.status_route import STATUS_PATH, StatusRoute
from auricle_server.gateway.http.routes.token_route import TOKENS_PATH, TokenRoute
from auricle_server.gateway.http.session_opener import GatewayParts, SessionOpener, SessionParts
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.keys.access import KeyAccess
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.gateway.listening.application import make_application
from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.gateway.workers.model_pools import ModelChannels, ModelPools
from auricle_server.telemetry.log_context import request_context
from auricle_server.telemetry.metrics import Metrics
from auricle_server.telemetry.redaction import ContentPolicy
from auricle_server.telemetry.stream_record import StreamObserver
from auricle_server.telemetry.tracing import Tracing, open_tracing
from auricle_server.voice.models import find_wanted

log = logging.getLogger(__name__)

STREAM_PATH = "/v1/stream"
# 128 bits: nobody guesses the token of another client's stream.
_TOKEN_BYTES = 16


class Gateway:
    """One gateway process: its routes, workers and connections. To be made on its event loop.

    Args:
        config: Of the server.
        models: How the workers of each model are reached; the first is that of clients that name none.
        resume_proxy: Knows the other gateways of the server.
        key_counts: What the gateways of the server count together about keys; None for a gateway that is alone.
        tracing: Makes the spans; None leaves it to the settings.

    Raises:
        ModelsMissing: The turn models are required, and are not installed.
        TracesUnavailable: Traces are required, and cannot be made.

    Attributes:
        metrics: Of this gateway.
        workers: Take the streams.
        serving: Keeps the channels to the workers going; ends only when one of them breaks.
        parts: For the wire formats of other servers.
        tracing: Makes the spans; None makes none.
        reloaders: Each reads something anew that was read at the start, keys for example; see `reload`.
    """

    def __init__(
        self,
        config: ServerConfig,
        models: Sequence[ModelChannels],
        resume_proxy: ResumeProxy | None = None,
        key_counts: KeyCounts | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.reloaders: list[Callable[[], None]] = []
        self._config = config
        self._resume_proxy = resume_proxy or ResumeProxy(server_name=config.server_name)
        self.metrics = Metrics()
        self._keys = KeyAccess(config, self.metrics, key_counts, self._resume_proxy.index)
        self.reloaders.append(self._keys.reload)
        self._connections = Connections(config.resume_seconds, self.metrics)
        self._turn_models = TurnModelPool(find_wanted(config.turn_models), self.metrics)
        self.workers = ModelPools(models, self.metrics, self._on_beat)
        self.tracing = tracing or open_tracing(config.telemetry, config.server_name)
        observer = StreamObserver(config.telemetry.access_log, ContentPolicy(config.telemetry), self.tracing)
        self._opener = SessionOpener(
            config, self.metrics, self._keys, self._connections, self.workers, self._turn_models, observer
        )
        self._models = self._opener.models()
        self._refusals = Refusals(config, self.metrics)
        reader = StatusReader(config, self.workers, self.metrics, lambda: self.draining)
        self._status = StatusBoard(reader.read, reader.forget)
        self.parts = GatewayParts(
            config, self.metrics, self._opener, self._connections, self.workers, self._refusals, self.tracing
        )
        self.serving = asyncio.create_task(self.workers.run())

    @property
    def draining(self) -> bool:
        """Whether new streams are refused because the server shuts down."""
        return self._opener.draining

    @property
    def ready(self) -> bool:
        """Whether new streams are taken."""
        return self.workers.ready and not self.draining

    def app(self) -> web.Application:
        """The aiohttp application."""
        sockets, files = DialectRoutes(self.parts), FileRoutes(self.parts)
        return make_application(
            {
                STREAM_PATH: self._stream,
                RESUME_PATH: self._resume,
                "/healthz": self._healthz,
                "/readyz": Readiness(self.workers, self._connections, self._opener).answer,
                "/metrics": MetricsPage(self._metrics_text).answer,
                STATUS_PATH: StatusRoute(self._opener, self._status, self._refusals).answer,
                **(ConsoleRoutes(self._page_config).routes() if self._config.console else {}),
                **dict(sockets.routes(ENDPOINTS)),
                **dict(files.questions(QUESTION_ENDPOINTS, "GET")),
            },
            {
                **dict(files.files(FILE_ENDPOINTS)),
                **dict(files.questions(QUESTION_ENDPOINTS, "POST")),
                TOKENS_PATH: TokenRoute(self._config, self._opener, self._keys, self._refusals).answer,
            },
        )

    # --- handlers ----------------------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Refuses before the upgrade, with an HTTP status, so that a proxy can try another server."""
        upgrade = UpgradeRequest.of(request)
        try:
            key = self._opener.check_access(request, upgrade.authorization, resuming=bool(upgrade.token))
            # Before a slot is taken: a plain GET costs the workers nothing.
            if not asks_for_websocket(request):
                return upgrade_required()
            owner = self._resume_proxy.owner(upgrade.token)
            if owner is not None:
                response = await self._proxy(request, owner, upgrade)
                if response is not None:
                    return response
            handler = WebSocketHandler(request, self._config, subprotocol=upgrade.offer.subprotocol)
            # An unknown token is no error: the stream was kept for too long, or its server restarted. The client gets a
            # new one.
            session = self._connections.resume(upgrade.token, upgrade.seq, handler, key.name)
            handler.session = session or await self._open_session(request, handler, key)
        except Refusal as refusal:
            if upgrade.offer.explains and asks_for_websocket(request):
                return await self._refusals.explain(refusal, request)
            return self._refusals.answer(refusal)
        return await self._connections.serve(handler, key.name)

    async def _resume(self, request: web.Request) -> web.StreamResponse:
        """For the other gateways of this server, which connect clients here that resume a stream of this one."""
        try:
            key = self._opener.check_access(request, request.headers.get("Authorization"), resuming=True)
        except Refusal as refusal:
            return self._refusals.answer(refusal)
        if not asks_for_websocket(request):
            return upgrade_required()
        handler = WebSocketHandler(request, self._config)
        upgrade = UpgradeRequest.of(request)
        session = self._connections.resume(upgrade.token, upgrade.seq, handler, key.name)
        if session is None:
            return web.json_response(
                {"code": "no_such_stream", "message": "this gateway holds no such stream"}, status=404
            )
        handler.session = session
        return await self._connections.serve(handler, key.name)

    async def _proxy(self, request: web.Request, owner: Path, upgrade: UpgradeRequest) -> web.StreamResponse | None:
        headers = {RESUME_HEADER: f"{upgrade.token} {upgrade.seq}", **request_context().trace_headers}
        if upgrade.authorization is not None:
            headers["Authorization"] = upgrade.authorization
        with self._connections.proxied():
            subprotocol, message_bytes = upgrade.offer.subprotocol, self._config.limits.message_bytes
            return await proxy(request, owner, message_bytes, headers, subprotocol)

    async def _open_session(self, request: web.Request, handler: WebSocketHandler, key: ApiKey) -> NativeSession:
        token = (
            self._resume_proxy.sign(secrets.token_urlsafe(_TOKEN_BYTES)) if self._config.resume_seconds > 0 else None
        )

        def build(parts: SessionParts) -> NativeSession:
            metrics, timer, models = parts.metrics, parts.idle_timer, parts.turn_models
            return NativeSession(parts.lease, token, parts.limits, metrics, timer, handler.wake, models)

        # What the query says of latency and model only helps to reserve the right slot; the client's `Start` decides.
        latency_ms = whole_number(request.query.get("latency_ms", ""))
        pool = self._models.find(request.query.get("model"))
        session = await self._opener.open(request, key, build, latency_ms, pool)
        session.slot.models = self._models
        return session

    async def _healthz(self, _: web.Request) -> web.Response:
        # Liveness alone: a gateway without a worker needs no restart, it only takes no streams (`Readiness`).
        return web.json_response({"status": "alive"})

    def _page_config(self) -> dict[str, Any]:
        status = "ready" if self.workers.ready else unready(self.workers.loading())["status"]
        return page_config(
            self.workers.infos,
            self._turn_models.signals,
            status="draining" if self.draining else status,
            keys_required=self._keys.required,
        )

    def _metrics_text(self) -> bytes:
        self.workers.update_gauges()
        self.metrics.ready.set(self.ready)
        return self.metrics.text()

    # --- life --------------------------------------------------------------------------------------------------------

    def _on_beat(self) -> None:
        self.metrics.ready.set(self.ready)
        self._connections.check_timeouts()
        self._keys.on_beat()

    def reload(self) -> None:
        """Reads anew what may change while the server runs (SIGHUP). What cannot be read stays as it was."""
        log.info("reloading")
        for reloader in self.reloaders:
            try:
                reloader()
            except Exception as error:
                # An operator's slip in a file must not end the calls of those who use what it had before.
                expected = isinstance(error, OSError | ValueError)
                log.error("cannot reload; what was in force stays: %s", error, exc_info=not expected)

    async def drain(self) -> None:
        """Takes no new stream; lets the open ones end, for `drain_seconds`; finalises and closes the rest."""
        self._opener.draining = True
        self._status.close()
        # Wall-clock time: Prometheus compares it with its own.
        self.metrics.drain_ends.set(time.time() + self._config.drain_seconds)
        log.info("draining streams=%d seconds=%g", len(self._connections), self._config.drain_seconds)
        await self._connections.drain(self._config.drain_seconds)

    async def close_connections(self) -> None:
        """Takes no new stream, and closes the open ones at once."""
        self._opener.draining = True
        self._status.close()
        await self._connections.close()

    async def close(self) -> None:
        """Closes the channels to the workers; all connections are closed by then."""
        self.serving.cancel()
        # `wait` does not raise what the task ended with, its cancellation here.
        await asyncio.wait({self.serving})
        await self.workers.close()
        await self._turn_models.close()
        await self._keys.close()
        if self.tracing is not None:
            await self.tracing.close()
