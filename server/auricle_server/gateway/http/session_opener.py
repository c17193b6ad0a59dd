"""Who may open a stream, and what it takes: a key, a slot of a worker, and a free descriptor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TypeVar

from aiohttp import web

from auricle.protocol.server_messages import Limits
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.errors import AtCapacity, NotReady, ShuttingDown
from auricle_server.gateway.http.auth import check_origin
from auricle_server.gateway.http.connections import Connections
from auricle_server.gateway.http.refusals import Refusals
from auricle_server.gateway.keys.access import KeyAccess
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.tokens.token_request import TokenRequest
from auricle_server.gateway.listening.descriptors import are_scarce
from auricle_server.gateway.listening.http_connection import has_room
from auricle_server.gateway.listening.pending_connections import client_address
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.gateway.session.idle_timer import IdleTimer
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.model_choice import ModelChoice
from auricle_server.gateway.workers.model_pools import ModelPools
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.telemetry.log_context import note, request_context
from auricle_server.telemetry.metrics import Metrics
from auricle_server.telemetry.stream_record import StreamObserver, StreamRecord
from auricle_server.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True)
class SessionParts:
    """What a session of any wire format needs, see `Session`."""

    lease: SlotLease
    limits: Limits
    metrics: SessionMetrics
    idle_timer: IdleTimer
    turn_models: TurnModelPool


S = TypeVar("S", bound=Session)


class SessionOpener:
    """Opens the sessions of one gateway.

    Args:
        config: Of the server.
        metrics: Of the gateway.
        keys: Of the server.
        connections: Of the gateway.
        workers: Of the gateway.
        turn_models: For the sessions.
        observer: Of the sessions, for logs and traces.

    Attributes:
        draining: Whether new streams are refused because the server shuts down.
    """

    def __init__(
        self,
        config: ServerConfig,
        metrics: Metrics,
        keys: KeyAccess,
        connections: Connections,
        workers: ModelPools,
        turn_models: TurnModelPool,
        observer: StreamObserver,
    ) -> None:
        self.draining = False
        self._config = config
        self._metrics = metrics
        self._keys = keys
        self._connections = connections
        self._workers = workers
        self._turn_models = turn_models
        self._observer = observer

    def check_access(self, request: web.Request, authorization: str | None, *, resuming: bool = False) -> ApiKey:
        """The key of a request, whose origin is checked as well.

        Args:
            request: The client's.
            authorization: A value for the header of that name.
            resuming: As for `Authenticator.check`.

        Raises:
            Refusal: The client may not open a stream.
        """
        key = self.check_key(request.remote, authorization, resuming=resuming)
        allowed = self._config.allowed_origins if key.allowed_origins is None else key.allowed_origins
        check_origin(request.headers, allowed, keyed=self._keys.required)
        return key

    def check_key(self, address: str | None, authorization: str | None, *, resuming: bool = False) -> ApiKey:
        """The key of a request, which comes from no web page.

        Args:
            address: Of the client, as its socket names it.
            authorization: As for `check_access`.
            resuming: As for `Authenticator.check`.

        Raises:
            Refusal: The client may not open a stream.
        """
        counted = client_address(address) if address else address
        key = self._keys.authenticate(authorization, counted, resuming=resuming)
        note(key=key.name)
        return key

    def mint(self, key: ApiKey) -> str:
        """A token that opens streams of a key for a short time.

        Raises:
            NoTokenForToken: The key came as a token itself.
        """
        token, _ = self._keys.mint(key, TokenRequest())
        return token

    async def open(
        self,
        request: web.Request | None,
        key: ApiKey,
        build: Callable[[SessionParts], S],
        latency_ms: int | None = None,
        pool: WorkerPool | None = None,
    ) -> S:
        """A new session, with a slot of a worker.

        Args:
            request: The client's; None for one that has not come over HTTP/1.1.
            key: Of the request.
            build: Makes the session.
            latency_ms: Helps to reserve a slot of the right cost.
            pool: The workers of the model that the request names; None takes those of the default.

        Raises:
            Refusal: The server shuts down, is full, or has no worker; or the key has as many streams as it may.
        """
        if self.draining:
            raise ShuttingDown("the server shuts down; connect to another one")
        pool = pool or self._workers.default
        if not pool.ready and (loading := pool.loading()):
            raise NotReady(f"the model is still loading ({loading[0]}); try again later")
        if are_scarce() if request is None else not has_room(request):
            raise AtCapacity("the server has no open files left for another stream; raise its limit (ulimit -n)")
        with ExitStack() as undo:
            usage = await self._keys.open_stream(key)
            undo.callback(usage.cancel)
            lease = await self._reserve(pool, latency_ms)
            undo.callback(lease.release)
            undo.pop_all()
        config, clock = self._config, time.monotonic
        record = StreamRecord(request_context(), self._observer, clock)
        metrics = SessionMetrics(self._metrics, clock, usage, record)
        idle_timer = IdleTimer(config.start_seconds, config.limits.idle_seconds, clock)
        session = build(SessionParts(lease, _limits(config.limits, key), metrics, idle_timer, self._turn_models))
        usage.begin(session.name)
        record.begin(session.name, session.dialect, lease.info.name, lease.worker)
        return session

    async def _reserve(self, pool: WorkerPool, latency_ms: int | None) -> SlotLease:
        lease = await self._connections.reserve(pool, latency_ms)
        try:
            if lease.info.cures.need_voice:
                await self._turn_models.load()
        except BaseException:
            lease.release()
            raise
        return lease

    def models(self, foreign: Sequence[str] | None = None) -> ModelChoice:
        """The models that clients of one wire format may choose from.

        Args:
            foreign: As for `ModelChoice`.
        """
        return ModelChoice(self._workers, self._reserve, foreign)


def _limits(limits: Limits, key: ApiKey) -> Limits:
    """The bounds of a stream; a token may allow shorter streams than the server."""
    most = None if key.token is None else key.token.max_stream_seconds
    return limits if most is None else replace(limits, stream_seconds=min(limits.stream_seconds, float(most)))


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What the wire formats of other servers need of their gateway."""

    config: ServerConfig
    metrics: Metrics
    opener: SessionOpener
    connections: Connections
    workers: ModelPools
    refusals: Refusals
    tracing: Tracing | None = None
