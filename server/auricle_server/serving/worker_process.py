"""The entry points of worker processes: one that knows its place, and one that stands by until a worker dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from auricle_server.checkpoints.progress import LoggedProgress, Report
from auricle_server.config import ServerConfig
from auricle_server.ipc.loading_status import LoadingWriter, forget_loading
from auricle_server.served_models import ALONE, Placement, ServedModel
from auricle_server.serving.children.watchdog import Heartbeat
from auricle_server.serving.processes import (
    CANNOT_START,
    STOP_SECONDS,
    CannotStart,
    ChildReady,
    GatewaysJoined,
    configure_logging,
    leave_signals_to_parent,
)
from auricle_server.serving.server_folder import hold_folder, leave_folder
from auricle_server.telemetry.log_context import PROCESS_FIELDS
from auricle_server.telemetry.log_output import logs_failures

if TYPE_CHECKING:
    from auricle_server.engine import Engine
    from auricle_server.worker.admission import StepCalibration

log = logging.getLogger(__name__)

RETIRE_SIGNAL = signal.SIGUSR1
"""Tells a worker that another one has taken its place: it ends after its last stream. One that is not ready dies."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which worker a process is to be.

    Attributes:
        name: Of the process.
        endpoint: Where to bind.
        placement: Where it runs.
        model: That it serves; None for the only one of its server.
        generation: How many times the model had been loaded anew when it was started.
        calibration: Of the worker before, whose machine and model are the same; None where there was none.
    """

    name: str
    endpoint: str
    placement: Placement = ALONE
    model: ServedModel | None = None
    generation: int = 0
    calibration: StepCalibration | None = None

    def is_of(self, model: ServedModel | None) -> bool:
        """Whether the worker serves a model, perhaps with more settings."""
        return (self.model and self.model.name) == (model and model.name)

    def is_named(self, name: str) -> bool:
        """Whether the operator calls its model so; empty for one that has no name."""
        return name == ("" if self.model is None else self.model.name)

    def config(self, config: ServerConfig) -> ServerConfig:
        """The server's settings, for the model."""
        return config if self.model is None else self.model.config(config)


@logs_failures
def worker_main(config: ServerConfig, order: Order, supervisor: Connection, gateways: Connection | None = None) -> None:
    """A worker process.

    Args:
        config: Of the server.
        order: Which worker it is.
        supervisor: Gets `ChildReady` when the model is ready, and from then on a sign of life each second.
        gateways: Comes to its end when the last gateway has ended; see `_stop_with_parent`.
    """
    _begin(config, gateways)
    config = order.config(config)
    _serve(config, order, _build_for(config, order, supervisor), supervisor)


@logs_failures
def standby_main(
    config: ServerConfig,
    orders: Connection,
    supervisor: Connection,
    gateways: Connection,
    model: ServedModel | None,
) -> None:
    """A process that stands by: it has made what takes long when a worker dies, and takes that worker's place.

    Args:
        config: Of the server.
        orders: Brings the `Order`.
        supervisor: Gets `ChildReady` when it stands by, and what that of `worker_main` gets when it is a worker.
        gateways: As for `worker_main`.
        model: The one that it prepares; None where it is not known whose worker will die.
    """
    _begin(config, gateways)
    engine = _prepare(config, model)
    supervisor.send(ChildReady())
    try:
        order: Order = orders.recv()
    except EOFError:  # the supervisor has ended, and no worker has died before
        return
    multiprocessing.current_process().name = order.name
    config = order.config(config)
    _serve(config, order, engine or _build_for(config, order, supervisor), supervisor)


def _begin(config: ServerConfig, gateways: Connection | None) -> None:
    configure_logging(config)
    leave_signals_to_parent()
    # A load may take minutes, and nothing is lost when it is cut off. Python's own end would take a second more.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    seconds = config.drain_seconds + STOP_SECONDS
    threading.Thread(target=_stop_with_parent, args=(gateways, seconds), daemon=True).start()


def _build_for(config: ServerConfig, order: Order, supervisor: Connection) -> Engine:
    """The engine of a worker, while whose start gateways can read how far it is."""
    logged, written = LoggedProgress(), LoadingWriter(order.endpoint)

    def report(what: str, done: int, size: int) -> None:
        logged(what, done, size)
        if done < size:
            written(what, done, size)
        else:
            written("loading the model")

    def failed(why: str) -> None:
        with suppress(OSError):  # the supervisor has ended
            supervisor.send(CannotStart(why))

    written("starting")
    return _build(config, order.placement, report, failed)


def _build(config: ServerConfig, placement: Placement, report: Report, failed: Callable[[str], None]) -> Engine:
    """The engine; ends the process where there can be none, and says why."""
    from auricle_server.checkpoints import CheckpointError
    from auricle_server.worker.factory import build_engine, model_info

    try:
        engine = build_engine(config, placement, report)
        model_info(engine, config.default_latency_ms)
    except (CheckpointError, ValueError) as error:
        log.error("%s", error)
        failed(str(error))
        sys.exit(CANNOT_START)
    except Exception as error:
        log.exception("the worker cannot start")
        failed(f"{type(error).__name__}: {error}")
        sys.exit(CANNOT_START)
    return engine


def _prepare(config: ServerConfig, model: ServedModel | None) -> Engine | None:
    """Imports what a worker needs, and builds the engine where it is small and every worker has the same.

    A large model would take its memory twice; it is read from the page cache when it is needed.
    """
    from auricle_server.checkpoints import load_checkpoint
    from auricle_server.engine.build import resolve_device
    from auricle_server.engine.memory import parameter_count
    from auricle_server.engine.weight_formats import LARGE
    from auricle_server.worker import loop

    log.debug("prepared %s", loop.__name__)
    if model is None:
        return None
    config = model.config(config)
    if resolve_device(config.device).type != "cpu":
        return None
    if parameter_count(load_checkpoint(config.model).config) >= LARGE:
        return None
    return _build(config, ALONE, LoggedProgress(), lambda _: None)


def _serve(config: ServerConfig, order: Order, engine: Engine, supervisor: Connection) -> None:
    from auricle_server.ipc.zeromq import ZeroMQWorkerChannel
    from auricle_server.worker.factory import build_admission, model_info
    from auricle_server.worker.loop import Worker

    if order.calibration is None:
        LoadingWriter(order.endpoint)("measuring the speed of this machine")
    admission = build_admission(config, engine, order.calibration)
    folder = Path(order.endpoint.removeprefix("ipc://")).parent
    hold_folder(folder)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # The channel is bound last: a worker that can be reached is ready.
    info = model_info(engine, config.default_latency_ms, "" if order.model is None else order.model.name)
    worker = Worker(engine, ZeroMQWorkerChannel(order.endpoint), info, admission, generation=order.generation)
    signal.signal(RETIRE_SIGNAL, lambda *_: worker.retire())
    PROCESS_FIELDS["model"] = info.name
    forget_loading(order.endpoint)
    supervisor.send(ChildReady(admission.calibration, info.demo, info.slots))
    beat = Heartbeat(supervisor, order.name)
    joined = False

    def report() -> None:
        nonlocal joined
        beat()
        if not joined and worker.gateways >= config.gateways:
            joined = True
            with suppress(OSError):  # the supervisor has ended
                supervisor.send(GatewaysJoined())

    worker.run(stop, report)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        leave_folder(folder)


def _stop_with_parent(gateways: Connection | None, seconds: float) -> None:
    """A supervisor that was killed can stop no child, so its children watch it.

    The gateways drain then, and need the worker for the last finals: it leaves after the last of them, or when they
    have had the time that a drain takes at most.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    if gateways is not None:
        wait([gateways], seconds)
    os.kill(os.getpid(), signal.SIGTERM)
