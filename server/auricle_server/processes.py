"""What the processes of a server run: the entry points that the supervisor starts."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection

from auricle_server.config import ServerConfig

log = logging.getLogger(__name__)

CANNOT_START = os.EX_CONFIG
"""Exit code of a process whose configuration cannot work: a restart would not help."""


def configure_logging(level: str) -> None:
    """One line per event on standard error."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(processName)s %(name)s: %(message)s")


def worker_main(config: ServerConfig, endpoint: str, index: int) -> None:
    """A worker process.

    Args:
        config: Of the server.
        endpoint: Where to bind.
        index: Number of the worker.
    """
    from auricle_server.checkpoints import CheckpointError
    from auricle_server.link.zeromq import ZeroMQWorkerLink
    from auricle_server.worker import Worker, build_engine, model_info

    configure_logging(config.log_level)
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the supervisor's business
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_outlive_nobody, args=(stop,), daemon=True).start()
    try:
        engine = build_engine(config, index)
        info = model_info(engine, config.default_latency_ms)
    except (CheckpointError, ValueError) as error:
        log.error("%s", error)
        sys.exit(CANNOT_START)
    # The link is bound last: a worker that can be reached is ready.
    Worker(engine, ZeroMQWorkerLink(endpoint), info).run(stop)


def _outlive_nobody(stop: threading.Event) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        stop.set()


def gateway_main(config: ServerConfig, endpoints: tuple[str, ...], news: Connection) -> None:
    """A gateway process.

    Args:
        config: Of the server, with the port in place.
        endpoints: Of the workers.
        news: Gets the process's name when the gateway takes streams.
    """
    configure_logging(config.log_level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_gateway(config, endpoints, news))


async def _gateway(config: ServerConfig, endpoints: tuple[str, ...], news: Connection) -> None:
    from auricle_server.gateway.process import serve_until
    from auricle_server.link.zeromq import ZeroMQGatewayLink

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    parent = multiprocessing.parent_process()
    if parent is not None:
        loop.add_reader(parent.sentinel, stop.set)

    await serve_until(
        stop,
        config,
        lambda: [ZeroMQGatewayLink(endpoint) for endpoint in endpoints],
        lambda: news.send(multiprocessing.current_process().name),
        reuse_port=True,
    )
