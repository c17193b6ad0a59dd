"""The HTTP face of a gateway: `/v1/stream`, `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from auricle.protocol import codes
from auricle.protocol.client_messages import RESUME_HEADER
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio.audio_turn_signals import TurnModelPool
from auricle_server.gateway.http.auth import check_key
from auricle_server.gateway.http.errors import Refusal, ShuttingDown
from auricle_server.gateway.http.websocket import WebSocketHandler
from auricle_server.gateway.session.resume_proxy import RESUME_PATH, ResumeProxy, pass_on
from auricle_server.gateway.session.resume_store import ResumeStore
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.ipc.channel import GatewayChannel
from auricle_server.metrics import Metrics
from auricle_server.voice.models import find_wanted

log = logging.getLogger(__name__)

STREAM_PATH = "/v1/stream"
_FLUSH_SECONDS = 5.0
_FAREWELL_SECONDS = 1.0
_LONGEST_NUMBER = 10
_TOKEN_BYTES = 16


class Gateway:
    """All that one gateway process holds. To be made on its event loop.

    Args:
        config: Of the server.
        links: One to each worker.
        neighbours: The other gateways of the server.

    Raises:
        ModelsMissing: The models that hear how turns sound are required, and are not there.

    Attributes:
        hub: The workers.
        serving: Keeps the links going; ends only when something is badly wrong.
        draining: Whether new streams are refused because the server shuts down.
        closing: Whether nobody is waited for any more.
    """

    def __init__(
        self, config: ServerConfig, links: Sequence[GatewayChannel], neighbours: ResumeProxy | None = None
    ) -> None:
        self.draining = self.closing = False
        self._config = config
        self._neighbours = neighbours or ResumeProxy()
        self._metrics = Metrics()
        self._shells: set[WebSocketHandler] = set()
        self._passed_on = 0
        self._returns = ResumeStore(config.resume_seconds, time.monotonic)
        self._empty = asyncio.Event()
        self._empty.set()
        self._hearing = TurnModelPool(find_wanted(config.turn_models), self._metrics)
        self.hub = WorkerPool(links, self._metrics, self._on_beat)
        self.serving = asyncio.create_task(self.hub.run())

    @property
    def ready(self) -> bool:
        """Whether new streams are taken."""
        return self.hub.ready and not self.draining

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application()
        app.router.add_get(STREAM_PATH, self._stream)
        app.router.add_get(RESUME_PATH, self._resume)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._show_metrics)
        return app

    # --- handlers ----------------------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Everything that can be refused is refused before the upgrade, so that a proxy can try another server."""
        try:
            check_key(request.headers.get("Authorization"), self._config.api_keys)
            if not web.WebSocketResponse().can_prepare(request):
                return _upgrade_required()
            token, seq = _asked_back(request)
            owner = self._neighbours.owner(token)
            if owner is not None:
                answer = await self._pass_on(request, owner)
                if answer is not None:
                    return answer
            shell = WebSocketHandler(request, self._config)
            shell.session = self._come_back(token, seq, shell) or await self._begin(request, shell)
        except Refusal as refusal:
            return self._refuse(refusal)
        return await self._serve(shell)

    async def _resume(self, request: web.Request) -> web.StreamResponse:
        """For another gateway of this server, to which the client of a stream of ours has come back."""
        try:
            check_key(request.headers.get("Authorization"), self._config.api_keys)
        except Refusal as refusal:
            return self._refuse(refusal)
        if not web.WebSocketResponse().can_prepare(request):
            return _upgrade_required()
        shell = WebSocketHandler(request, self._config)
        session = self._come_back(*_asked_back(request), shell)
        if session is None:
            return web.json_response({"code": "no_such_stream", "message": "it is not here any more"}, status=404)
        shell.session = session
        return await self._serve(shell)

    async def _pass_on(self, request: web.Request, owner: Path) -> web.StreamResponse | None:
        """See `pass_on`; such a connection is waited for like any other when the server drains."""
        self._passed_on += 1
        self._empty.clear()
        try:
            return await pass_on(request, owner, self._config.limits.message_bytes)
        finally:
            self._passed_on -= 1
            self._note_empty()

    async def _serve(self, shell: WebSocketHandler) -> web.StreamResponse:
        self._enter(shell)
        try:
            return await shell.run()
        finally:
            self._leave(shell)

    def _come_back(self, token: str, seq: int, shell: WebSocketHandler) -> Session | None:
        """The session that a client asks for whose connection was cut; it has its slot."""
        session = self._returns.find(token, seq)
        if session is not None:
            for other in [other for other in self._shells if other.session is session]:
                self._shells.discard(other)
                other.replace()
            session.rejoin(seq, shell.wake)
        return session

    async def _begin(self, request: web.Request, shell: WebSocketHandler) -> Session:
        """A session of its own.

        Raises:
            Refusal: There is no place for it.
        """
        if self.draining:
            raise ShuttingDown("the server shuts down")
        # What the client means to ask for is no more than a hint; its start has the word.
        seat = await self.hub.reserve(_whole_number(request.query.get("latency_ms", "")))
        keeps = self._config.resume_seconds > 0
        token = self._neighbours.sign(secrets.token_urlsafe(_TOKEN_BYTES)) if keeps else None
        return Session(seat, token, self._config.limits, self._metrics, time.monotonic, shell.wake, self._hearing)

    def _enter(self, shell: WebSocketHandler) -> None:
        self._shells.add(shell)
        self._empty.clear()
        self._metrics.streams.inc()
        self._returns.expect(shell.session)

    def _leave(self, shell: WebSocketHandler) -> None:
        self._metrics.streams.dec()
        if shell in self._shells:  # and nobody else has its session
            self._shells.discard(shell)
            if self.closing or not (shell.cut and self._returns.keep(shell.session)):
                self._returns.forget(shell.session)
                shell.session.leave()
        self._note_empty()

    def _note_empty(self) -> None:
        if not (self._shells or self._returns or self._passed_on):
            self._empty.set()

    def _refuse(self, refusal: Refusal) -> web.Response:
        self._metrics.refused.labels(refusal.code).inc()
        headers = {"Retry-After": str(self._config.retry_after_seconds)} if refusal.retry else {}
        if refusal.status == web.HTTPUnauthorized.status_code:
            headers["WWW-Authenticate"] = "Bearer"
        body = {"code": refusal.code, "message": refusal.message}
        return web.json_response(body, status=refusal.status, headers=headers)

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _: web.Request) -> web.Response:
        if self.draining:
            return web.json_response({"status": "draining"}, status=503)
        if not self.hub.ready:
            return web.json_response({"status": "no worker"}, status=503)
        hub = self.hub
        state = {"status": "ready", "model": hub.model, "streams": len(self._shells), "slots": hub.slots}
        return web.json_response({**state, "full": hub.full})

    async def _show_metrics(self, _: web.Request) -> web.Response:
        self.hub.show()
        self._metrics.ready.set(self.ready)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    # --- life --------------------------------------------------------------------------------------------------------

    def _on_beat(self) -> None:
        self._metrics.ready.set(self.ready)
        for shell in list(self._shells):
            shell.on_beat()
        self._returns.expire()
        self._note_empty()

    async def drain(self) -> None:
        """Takes no new stream; lets the open ones end, for `drain_seconds`; finalises and closes the rest."""
        self.draining = True
        log.info("draining streams=%d seconds=%g", len(self._shells), self._config.drain_seconds)
        await self._until_empty(self._config.drain_seconds)
        self._returns.give_up()
        for shell in list(self._shells):
            shell.session.drain()
        await self._until_empty(_FLUSH_SECONDS)
        await self.hang_up()

    async def hang_up(self) -> None:
        """Closes what is open, at once."""
        self.draining = self.closing = True
        self._returns.give_up()
        for shell in list(self._shells):
            shell.session.fail(codes.SHUTTING_DOWN, "the server shuts down; connect again and replay")
        await self._until_empty(_FAREWELL_SECONDS)
        for shell in list(self._shells):
            shell.abort()

    async def close(self) -> None:
        """Ends the links; the streams are over by then."""
        self.serving.cancel()
        await asyncio.wait({self.serving})
        await self.hub.close()
        await self._hearing.close()

    async def _until_empty(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()


def _upgrade_required() -> web.Response:
    return web.json_response(
        {"code": "upgrade_required", "message": "this is a WebSocket endpoint"},
        status=426,
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


def _asked_back(request: web.Request) -> tuple[str, int]:
    """The token of the stream that a client comes back to, and the number of the last event that it has had."""
    token, _, seq = request.headers.get(RESUME_HEADER, "").partition(" ")
    return token, _whole_number(seq) or 0


def _whole_number(text: str) -> int | None:
    """What a client wrote; None where that is no whole number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER else None
