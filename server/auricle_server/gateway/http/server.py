"""Runs a gateway: its listening sockets, its start and its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web

from auricle_server.config import ServerConfig
from auricle_server.gateway.http.app import Gateway
from auricle_server.gateway.http.resume_proxy import ResumeProxy
from auricle_server.gateway.http.riva.libraries import check_riva
from auricle_server.gateway.http.tls import Certificate, certificate_of
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.gateway.listening.access_log import RequestLog
from auricle_server.gateway.listening.listener import Listener
from auricle_server.gateway.workers.model_pools import ModelChannels
from auricle_server.ipc.channel import GatewayChannel
from auricle_server.telemetry.stream_record import access_log
from auricle_server.telemetry.tracing import Tracing

log = logging.getLogger(__name__)

_SHUTDOWN_SECONDS = 0.5


@asynccontextmanager
async def listening(
    config: ServerConfig,
    models: Sequence[ModelChannels | GatewayChannel],
    *,
    reuse_port: bool = False,
    resume_proxy: ResumeProxy | None = None,
    key_counts: KeyCounts | None = None,
    orphaned: asyncio.Event | None = None,
    tracing: Tracing | None = None,
) -> AsyncIterator[tuple[Gateway, int]]:
    """A gateway that serves inside the block. Yields it and the port; the caller waits for `Gateway.ready`.

    Once `orphaned` is set it listens no more. Channels of no `ModelChannels` are those of one model. `tracing` makes
    the spans in place of what the settings say.

    Raises:
        ConfigError: The TLS certificate, or the port for clients of Riva, cannot be used.
    """
    certificate = certificate_of(config)
    gateway = Gateway(config, _by_model(models), resume_proxy, key_counts, tracing)
    if certificate is not None:
        gateway.reloaders.append(certificate.reload)
    # Of requests of other gateways; those of clients are logged by `HttpConnection`.
    logged = access_log if config.telemetry.access_log else None
    runner = web.AppRunner(
        gateway.app(), access_log_class=RequestLog, access_log=logged, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    assert runner.server is not None, "`setup` has made it"
    listener = Listener(runner.server, config, gateway.metrics, None if certificate is None else certificate.context)
    leaving: asyncio.Task[None] | None = None
    riva = AsyncExitStack()
    leave_ports = [listener.stop_listening]
    try:
        if config.riva_port is not None:
            riva_listening = _riva_listening(gateway, certificate, reuse_port=reuse_port)
            leave_ports.append(await riva.enter_async_context(riva_listening))
        await listener.start(config.host, config.port, reuse_port=reuse_port)
        port = listener.port
        if resume_proxy is not None and resume_proxy.own_socket is not None:
            await _listen_to_others(runner, resume_proxy.own_socket)
        log.info("listening host=%s port=%d", config.host, port)
        leaving = None if orphaned is None else asyncio.create_task(_leave_ports(leave_ports, orphaned))
        yield gateway, port
    finally:
        if leaving is not None:
            leaving.cancel()
        # First: `cleanup` waits up to `shutdown_timeout` for handlers, and a stream's runs until its connection is
        # closed.
        await gateway.close_connections()
        await riva.aclose()
        listener.close()
        await runner.cleanup()
        await gateway.close()


def _by_model(models: Sequence[ModelChannels | GatewayChannel]) -> list[ModelChannels]:
    """The channels of each model; those that are given alone are all of one model, which has no name of its own."""
    alone = [each for each in models if not isinstance(each, ModelChannels)]
    given = [each for each in models if isinstance(each, ModelChannels)]
    return given or [ModelChannels(alone)]


def _riva_listening(
    gateway: Gateway, certificate: Certificate | None, *, reuse_port: bool
) -> AbstractAsyncContextManager[Callable[[], None]]:
    check_riva()
    # gRPC takes memory and a thread: only where it is asked for.
    from auricle_server.gateway.http.riva.server import riva_listening

    return riva_listening(gateway.parts, certificate, reuse_port=reuse_port)


async def _leave_ports(leave_ports: Sequence[Callable[[], None]], orphaned: asyncio.Event) -> None:
    await orphaned.wait()
    for leave_port in leave_ports:
        leave_port()


async def _listen_to_others(runner: web.AppRunner, own_socket: Path) -> None:
    """Listens for the other gateways. Without that, clients that they cannot pass on begin anew with a replay."""
    try:
        # A gateway that was killed leaves its socket in the folder.
        await asyncio.to_thread(own_socket.unlink, missing_ok=True)
        await web.UnixSite(runner, str(own_socket)).start()
    except OSError as error:
        log.error("other gateways cannot pass clients on to this one socket=%s: %s", own_socket, error)


async def until_ready(gateway: Gateway, seconds: float) -> None:
    """Waits for a worker.

    Raises:
        TimeoutError: No worker has introduced itself in time.
    """
    async with asyncio.timeout(seconds):
        await gateway.workers.arrived.wait()


async def serve_until(
    stop: asyncio.Event,
    config: ServerConfig,
    models: Callable[[], Sequence[ModelChannels | GatewayChannel]],
    on_ready: Callable[[], None],
    *,
    reload: asyncio.Event | None = None,
    reuse_port: bool = False,
    resume_proxy: ResumeProxy | None = None,
    key_counts: KeyCounts | None = None,
    orphaned: asyncio.Event | None = None,
) -> None:
    """Serves until `stop` is set, then drains.

    Args:
        stop: Ends the serving.
        config: Of the server.
        models: Makes the channels to the workers, on the running loop.
        on_ready: Called once, when the first worker has introduced itself.
        reload: Set when the gateway is to read anew what may change while it runs; see `Gateway.reload`.
        reuse_port: Whether other gateways listen at the same port.
        resume_proxy: Knows these gateways.
        key_counts: What the gateways of the server count together about keys.
        orphaned: Set when the supervisor has ended: its ports are left to the server that follows, at once.

    Raises:
        ExceptionGroup: A channel broke for good; the process must be started anew.
    """
    gateway_with_port = listening(
        config,
        models(),
        reuse_port=reuse_port,
        resume_proxy=resume_proxy,
        key_counts=key_counts,
        orphaned=orphaned,
    )
    async with gateway_with_port as (gateway, _):
        stopping = asyncio.create_task(stop.wait())
        helpers = [asyncio.create_task(_announce(gateway, on_ready)), stopping]
        if reload is not None:
            helpers.append(asyncio.create_task(_reload(gateway, reload)))
        await asyncio.wait({stopping, gateway.serving}, return_when=asyncio.FIRST_COMPLETED)
        for helper in helpers:
            helper.cancel()
        if gateway.serving.done():
            gateway.serving.result()
        await gateway.drain()


async def _reload(gateway: Gateway, asked: asyncio.Event) -> None:
    while True:
        await asked.wait()
        asked.clear()
        gateway.reload()


async def _announce(gateway: Gateway, on_ready: Callable[[], None]) -> None:
    await gateway.workers.arrived.wait()
    on_ready()
