"""Running a gateway: its listening socket, its links, its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from auricle_server.config import ServerConfig
from auricle_server.gateway.http.app import Gateway
from auricle_server.gateway.session.resume_proxy import ResumeProxy
from auricle_server.ipc.channel import GatewayChannel

log = logging.getLogger(__name__)

_SHUTDOWN_SECONDS = 2.0
_BACKLOG = 1024


@asynccontextmanager
async def listening(
    config: ServerConfig,
    links: Sequence[GatewayChannel],
    *,
    reuse_port: bool = False,
    neighbours: ResumeProxy | None = None,
) -> AsyncIterator[tuple[Gateway, int]]:
    """A gateway that serves inside the block. Yields it and the port; the caller waits for `Gateway.ready`."""
    gateway = Gateway(config, links, neighbours)
    runner = web.AppRunner(gateway.app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port, reuse_port=reuse_port or None, backlog=_BACKLOG)
        await site.start()
        port: int = runner.addresses[0][1]
        own_socket = None if neighbours is None else neighbours.own_socket
        if own_socket is not None:
            own_socket.unlink(missing_ok=True)  # a gateway that was killed leaves it behind
            await web.UnixSite(runner, str(own_socket)).start()
        log.info("listening host=%s port=%d", config.host, port)
        yield gateway, port
    finally:
        await gateway.hang_up()
        await runner.cleanup()
        await gateway.close()


async def until_ready(gateway: Gateway, seconds: float) -> None:
    """Waits for a worker.

    Raises:
        TimeoutError: None came in time.
    """
    async with asyncio.timeout(seconds):
        await gateway.hub.arrived.wait()


async def serve_until(
    stop: asyncio.Event,
    config: ServerConfig,
    links: Callable[[], Sequence[GatewayChannel]],
    on_ready: Callable[[], None],
    *,
    reuse_port: bool = False,
    neighbours: ResumeProxy | None = None,
) -> None:
    """Serves until `stop` is set, then drains.

    Args:
        stop: Ends the serving.
        config: Of the server.
        links: Makes one link to each worker, on the running loop.
        on_ready: Called once, when the first worker has come.
        reuse_port: Whether other gateways listen at the same port.
        neighbours: These gateways.

    Raises:
        ExceptionGroup: A link broke in a way that none should; a fresh process is needed.
    """
    async with listening(config, links(), reuse_port=reuse_port, neighbours=neighbours) as (gateway, _):
        announce, stopping = asyncio.create_task(_announce(gateway, on_ready)), asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, gateway.serving}, return_when=asyncio.FIRST_COMPLETED)
        announce.cancel()
        stopping.cancel()
        if gateway.serving.done():
            gateway.serving.result()
        await gateway.drain()


async def _announce(gateway: Gateway, on_ready: Callable[[], None]) -> None:
    await gateway.hub.arrived.wait()
    on_ready()
