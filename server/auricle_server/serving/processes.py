"""The entry points of the processes that the supervisor starts."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from auricle_server.config import ServerConfig
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.serving.watchdog import BEAT_SECONDS, Heartbeat
from auricle_server.shared_metrics import MetricMemory

log = logging.getLogger(__name__)

# 78 of BSD's sysexits.h.
CANNOT_START = os.EX_CONFIG
"""Exit code of a process whose configuration is invalid, so that a restart would not help."""


PARENTS_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""Signals that a terminal sends to all processes of a server, and on which the supervisor alone acts. It starts its
children with these blocked, so that none strikes one that has not said yet what it does with them."""


def configure_logging(level: str) -> None:
    """One line per event on standard error."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(processName)s %(name)s: %(message)s")


def _leave_to_the_parent() -> None:
    for number in PARENTS_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)


def worker_main(config: ServerConfig, endpoint: str, index: int, supervisor: Connection) -> None:
    """A worker process.

    Args:
        config: Of the server.
        endpoint: Where to bind.
        index: Number of the worker.
        supervisor: Gets the process's name once a second from the moment when the model is ready.
    """
    from auricle_server.checkpoints import CheckpointError
    from auricle_server.checkpoints.progress import LoggedProgress
    from auricle_server.ipc.loading_status import LoadingWriter, forget_loading
    from auricle_server.ipc.zeromq import ZeroMQWorkerChannel
    from auricle_server.worker.factory import build_admission, build_engine, model_info
    from auricle_server.worker.loop import Worker

    configure_logging(config.log_level)
    _leave_to_the_parent()
    # A load may take minutes, and nothing is lost when it is cut off.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    logged, written = LoggedProgress(), LoadingWriter(endpoint)

    def report(what: str, done: int, size: int) -> None:
        logged(what, done, size)
        if done < size:
            written(what, done, size)
        else:
            written("loading the model")

    written("starting")
    try:
        engine = build_engine(config, index, report)
        written("measuring the speed of this machine")
        info = model_info(engine, config.default_latency_ms)
        admission = build_admission(config, engine)
    except (CheckpointError, ValueError) as error:
        log.error("%s", error)
        sys.exit(CANNOT_START)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # The channel is bound last: a worker that can be reached is ready.
    worker = Worker(engine, ZeroMQWorkerChannel(endpoint), info, admission)
    forget_loading(endpoint)
    worker.run(stop, Heartbeat(supervisor, multiprocessing.current_process().name))


def _stop_with_parent() -> None:
    # A supervisor that was killed can stop nobody, so its children watch it.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def gateway_main(
    config: ServerConfig,
    endpoints: tuple[str, ...],
    supervisor: Connection,
    folder: Path,
    index: int,
    metrics: MetricMemory | None,
    key_counts: KeyCounts,
) -> None:
    """A gateway process.

    Args:
        config: Of the server, with the port in place.
        endpoints: Of the workers.
        supervisor: Gets the process's name once a second from the moment when the gateway takes streams.
        folder: Of the gateways' sockets, on which they pass clients on to each other.
        index: Number of the gateway.
        metrics: Where all gateways keep their figures, so that each can answer for all; None where the system has no
            such memory.
        key_counts: What the gateways count together about keys.
    """
    from auricle_server.metrics import share_metrics

    configure_logging(config.log_level)
    if metrics is not None:
        share_metrics(metrics, index)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_gateway(config, endpoints, supervisor, folder, index, key_counts))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's event loops where it is installed: they spend up to a fifth less CPU time on a packet."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


async def _gateway(
    config: ServerConfig,
    endpoints: tuple[str, ...],
    supervisor: Connection,
    folder: Path,
    index: int,
    key_counts: KeyCounts,
) -> None:
    from auricle_server.gateway.http.resume_proxy import ResumeProxy
    from auricle_server.gateway.http.server import serve_until
    from auricle_server.ipc.loading_status import read_loading
    from auricle_server.ipc.zeromq import ZeroMQGatewayChannel

    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    # A SIGHUP that came while this process started waits until here, where it is blocked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # The sentinel becomes readable when the supervisor has ended, killed or not.
        loop.add_reader(parent.sentinel, stop.set)

    heartbeat = Heartbeat(supervisor, multiprocessing.current_process().name)
    beating: list[asyncio.Task[None]] = []
    await serve_until(
        stop,
        config,
        lambda: [ZeroMQGatewayChannel(endpoint) for endpoint in endpoints],
        lambda: beating.append(asyncio.create_task(_beat(heartbeat))),
        reload=reload,
        reuse_port=True,
        resume_proxy=ResumeProxy(folder, index),
        loading=lambda: [status for endpoint in endpoints if (status := read_loading(endpoint)) is not None],
        key_counts=key_counts,
    )


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        heartbeat()
        await asyncio.sleep(BEAT_SECONDS)
