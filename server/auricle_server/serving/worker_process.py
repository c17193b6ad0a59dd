"""The entry points of worker processes: one that knows its place, and one that stands by until a worker dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from auricle_server.checkpoints.progress import LoggedProgress, Report
from auricle_server.config import ServerConfig
from auricle_server.ipc.loading_status import LoadingWriter, forget_loading
from auricle_server.served_models import ALONE, Placement, ServedModel, served_models
from auricle_server.serving.children.watchdog import Heartbeat
from auricle_server.serving.processes import (
    CANNOT_START,
    STOP_SECONDS,
    ChildReady,
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


@dataclass(frozen=True, slots=True)
class Order:
    """Which worker a process is to be.

    Attributes:
        name: Of the process.
        endpoint: Where to bind.
        placement: Where it runs.
        model: That it serves; None for the only one of its server.
        calibration: Of the worker before, whose machine and model are the same; None where there was none.
    """

    name: str
    endpoint: str
    placement: Placement = ALONE
    model: ServedModel | None = None
    calibration: StepCalibration | None = None

    def is_of(self, model: ServedModel | None) -> bool:
        """Whether the worker serves a model, perhaps with more settings."""
        return (self.model and self.model.name) == (model and model.name)

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
    _serve(config, order, _build_for(config, order), supervisor)


@logs_failures
def standby_main(config: ServerConfig, orders: Connection, supervisor: Connection, gateways: Connection) -> None:
    """A process that stands by: it has made what takes long when a worker dies, and takes that worker's place.

    Args:
        config: Of the server.
        orders: Brings the `Order`.
        supervisor: Gets `ChildReady` when it stands by, and what that of `worker_main` gets when it is a worker.
        gateways: As for `worker_main`.
    """
    _begin(config, gateways)
    engine = _prepare(config)
    supervisor.send(ChildReady())
    try:
        order: Order = orders.recv()
    except EOFError:  # the supervisor has ended, and no worker has died before
        return
    multiprocessing.current_process().name = order.name
    config = order.config(config)
    _serve(config, order, engine or _build_for(config, order), supervisor)


def _begin(config: ServerConfig, gateways: Connection | None) -> None:
    configure_logging(config)
    leave_signals_to_parent()
    # A load may take minutes, and nothing is lost when it is cut off. Python's own end would take a second more.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    seconds = config.drain_seconds + STOP_SECONDS
    threading.Thread(target=_stop_with_parent, args=(gateways, seconds), daemon=True).start()


def _build_for(config: ServerConfig, order: Order) -> Engine:
    """The engine of a worker, while whose start gateways can read how far it is."""
    logged, written = LoggedProgress(), LoadingWriter(order.endpoint)

    def report(what: str, done: int, size: int) -> None:
        logged(what, done, size)
        if done < size:
            written(what, done, size)
        else:
            written("loading the model")

    written("starting")
    return _build(config, order.placement, report)


def _build(config: ServerConfig, placement: Placement, report: Report) -> Engine:
    """The engine; ends the process where there can be none."""
    from auricle_server.checkpoints import CheckpointError
    from auricle_server.worker.factory import build_engine, model_info

    try:
        engine = build_engine(config, placement, report)
        model_info(engine, config.default_latency_ms)
    except (CheckpointError, ValueError) as error:
        log.error("%s", error)
        sys.exit(CANNOT_START)
    except Exception:
        log.exception("the worker cannot start")
        sys.exit(CANNOT_START)
    return engine


def _prepare(config: ServerConfig) -> Engine | None:
    """Imports what a worker needs, and builds the engine where it is small and every worker has the same.

    With several models it is not known whose worker will die: the engine is built when it is needed. A large model
    would take its memory twice; it is read from the page cache when it is needed.
    """
    from auricle_server.checkpoints import load_checkpoint
    from auricle_server.engine.build import resolve_device
    from auricle_server.engine.memory import parameter_count
    from auricle_server.engine.weight_formats import LARGE
    from auricle_server.worker import loop

    log.debug("prepared %s", loop.__name__)
    models = served_models(config)
    config = models[0].config(config)
    if len(models) > 1 or resolve_device(config.device).type != "cpu":
        return None
    if parameter_count(load_checkpoint(config.model).config) >= LARGE:
        return None
    return _build(config, ALONE, LoggedProgress())


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
    worker = Worker(engine, ZeroMQWorkerChannel(order.endpoint), info, admission)
    PROCESS_FIELDS["model"] = info.name
    forget_loading(order.endpoint)
    supervisor.send(ChildReady(admission.calibration, info.demo, info.slots))
    worker.run(stop, Heartbeat(supervisor, order.name))
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
