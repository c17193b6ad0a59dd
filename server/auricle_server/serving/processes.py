"""What the processes of a server have in common, and the entry point of a gateway."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from auricle_server.config import ServerConfig
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.model_info import DemoHint
from auricle_server.serving.children.watchdog import BEAT_SECONDS, Heartbeat
from auricle_server.serving.server_folder import hold_folder
from auricle_server.telemetry.log_output import configure_logs, logs_failures
from auricle_server.telemetry.shared_metrics import MetricMemory

if TYPE_CHECKING:
    from auricle_server.gateway.workers.model_pools import ModelChannels
    from auricle_server.worker.admission import StepCalibration

log = logging.getLogger(__name__)

# 78 of BSD's sysexits.h.
CANNOT_START = os.EX_CONFIG
"""Exit code of a process whose configuration is invalid, so that a restart would not help."""
PARENTS_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""Signals that a terminal sends to all processes of a server, and on which the supervisor alone acts. It starts its
children with these blocked, so that none strikes one that has not said yet what it does with them."""
STOP_SECONDS = 4.0
"""A server has ended at the latest so long after its drain: the last finals, close frames, and the workers' end. With
the default of `drain_seconds` this fits into the ten seconds that Docker waits before it kills."""


def configure_logging(config: ServerConfig) -> None:
    """Sets up the logs of one process of a server, on standard error."""
    configure_logs(config.log_level, config.telemetry.log_format, config.server_name)


def leave_signals_to_parent() -> None:
    """In a child that has nothing to do at these signals."""
    for number in PARENTS_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)


@dataclass(frozen=True, slots=True)
class ChildReady:
    """What a child tells the supervisor when it is ready.

    Attributes:
        calibration: A worker's timings of its steps, for those that follow it.
        demo: What a worker's model says of itself, where it is a bundled one.
        slots: Streams that a worker holds.
    """

    calibration: StepCalibration | None = None
    demo: DemoHint | None = None
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class GatewaysJoined:
    """What a worker tells the supervisor when all gateways know it."""


@dataclass(frozen=True, slots=True)
class CannotStart:
    """What a worker tells the supervisor before it ends because a restart would not help.

    Attributes:
        why: A sentence that a person can act on.
    """

    why: str


ChildReport = ChildReady | GatewaysJoined | CannotStart | str
"""What children tell the supervisor; text is a sign of life."""


@dataclass(frozen=True, slots=True)
class ModelEndpoints:
    """Where gateways reach the workers of a model.

    Attributes:
        name: Of the model, where the operator has given it one.
        endpoints: Of the workers.
        spares: Of the workers that take their places when the model is loaded anew, in the same order.
    """

    name: str
    endpoints: tuple[str, ...]
    spares: tuple[str, ...]


@logs_failures
def gateway_main(
    config: ServerConfig,
    models: tuple[ModelEndpoints, ...],
    supervisor: Connection,
    folder: Path,
    index: int,
    metrics: MetricMemory | None,
    key_counts: KeyCounts,
    alive: Connection | None = None,  # noqa: ARG001 - held as long as this runs
) -> None:
    """A gateway process.

    Args:
        config: Of the server, with the port in place.
        models: Where the workers of each model are reached.
        supervisor: Gets `ChildReady` when the gateway takes streams, and from then on a sign of life each second.
        folder: Of the gateways' sockets, on which they pass clients on to each other.
        index: Number of the gateway.
        metrics: Where all gateways keep their figures, so that each can answer for all; None where the system has no
            such memory.
        key_counts: What the gateways count together about keys.
        alive: Held, and not used: workers of a supervisor that was killed stay until all gateways have let go of it.
    """
    from auricle_server.telemetry.metrics import share_metrics

    configure_logging(config)
    hold_folder(folder)
    if metrics is not None:
        share_metrics(metrics, index)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_gateway(config, models, supervisor, folder, index, key_counts))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's event loops where it is installed: they spend up to a fifth less CPU time on a packet."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


async def _gateway(
    config: ServerConfig,
    models: tuple[ModelEndpoints, ...],
    supervisor: Connection,
    folder: Path,
    index: int,
    key_counts: KeyCounts,
) -> None:
    from auricle_server.gateway.http.resume_proxy import ResumeProxy
    from auricle_server.gateway.http.server import serve_until

    stop, reload, orphaned = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    # A SIGHUP that came while this process started waits until here, where it is blocked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # The sentinel becomes readable when the supervisor has ended, killed or not, and stays so.
        sentinel = parent.sentinel

        def drain_without_parent() -> None:
            loop.remove_reader(sentinel)
            log.warning("the supervisor has ended; this gateway drains")
            orphaned.set()
            stop.set()

        loop.add_reader(sentinel, drain_without_parent)

    beating: list[asyncio.Task[None]] = []

    def on_ready() -> None:
        supervisor.send(ChildReady())
        heartbeat = Heartbeat(supervisor, multiprocessing.current_process().name)
        beating.append(asyncio.create_task(_beat(heartbeat)))

    await serve_until(
        stop,
        config,
        lambda: [_channels(model) for model in models],
        on_ready,
        reload=reload,
        reuse_port=True,
        resume_proxy=ResumeProxy(folder, index, config.server_name),
        key_counts=key_counts,
        orphaned=orphaned,
    )


def _channels(model: ModelEndpoints) -> ModelChannels:
    from auricle_server.gateway.workers.model_pools import ModelChannels
    from auricle_server.ipc.loading_status import read_loading
    from auricle_server.ipc.zeromq import ZeroMQGatewayChannel

    endpoints = (*model.endpoints, *model.spares)
    return ModelChannels(
        [ZeroMQGatewayChannel(endpoint) for endpoint in model.endpoints],
        model.name,
        [ZeroMQGatewayChannel(endpoint) for endpoint in model.spares],
        lambda: [status for endpoint in endpoints if (status := read_loading(endpoint)) is not None],
    )


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        heartbeat()
        await asyncio.sleep(BEAT_SECONDS)
