"""`auricle serve`: workers and gateways in processes of their own, restarted when they die, drained at the end."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from socket import socket
from types import FrameType

from auricle_server.config import ServerConfig
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.gateway.listening.descriptors import raise_limit
from auricle_server.model_info import DemoHint
from auricle_server.serving.children import shutdown
from auricle_server.serving.children.child import Child, context
from auricle_server.serving.children.standby import Standby
from auricle_server.serving.children.watchdog import BEAT_SECONDS, Watchdog
from auricle_server.serving.commands import ServerCommands
from auricle_server.serving.control import ControlSocket
from auricle_server.serving.port import reserve_port
from auricle_server.serving.processes import (
    CANNOT_START,
    PARENTS_SIGNALS,
    STOP_SECONDS,
    ChildReady,
    ChildReport,
    ModelEndpoints,
    configure_logging,
    gateway_main,
)
from auricle_server.serving.server_folder import NoFolder, make_folder, remove_folder, restore_folder
from auricle_server.serving.start_checks import can_start
from auricle_server.serving.workers import Workers
from auricle_server.telemetry.shared_metrics import metric_memory

log = logging.getLogger(__name__)

Announce = Callable[[str, DemoHint | None], None]
"""Gets the server's URL, and what a bundled model says of itself."""
_MOST_FAILED_STARTS = 3
"""Deaths of a process in a row, each before it was ready, after which a server that never was ready ends."""
_MOST_FAILED_RESTARTS = 8
"""The same of a server that has been ready and has no other process of that kind: with the pauses, about a minute."""
_WORKER_SECONDS = 1.0
"""What is left of `STOP_SECONDS` for the workers at least."""
INTERRUPTED = 128 + signal.SIGINT
"""Exit status of a server that a second SIGINT has ended, as shells know it."""


class Supervisor:
    """Runs the processes of one server.

    Args:
        config: Of the server; port 0 takes a free one.
        announce: Called once with the server's URL, and the hint of a bundled model, when all gateways take streams.
    """

    def __init__(self, config: ServerConfig, announce: Announce | None = None) -> None:
        # All gateways, and those that follow one that died, must accept the tokens of each other.
        self._config = config = config if config.token_secret else replace(config, token_secret=secrets.token_hex(32))
        self._announce = announce
        self._demo: DemoHint | None = None
        self._not_ready = {f"gateway-{index}" for index in range(config.gateways)}
        self._stopping = self._hurried = False
        # A self-pipe: since PEP 475 `wait` goes on waiting after a signal's handler, unless one of its descriptors is
        # ready.
        self._signals, self._signalled = os.pipe()
        # Gateways hold the writing end, workers wait for its end: see `worker_main`.
        self._gateways_ended, self._gateway_alive = context.Pipe(duplex=False)
        self._watchdog = Watchdog()
        self._gateways: list[Child] = []
        self._standby = Standby(config, self._gateways_ended)
        self._workers: Workers
        self._commands: ServerCommands
        self._control: ControlSocket
        self._folder = Path()
        self._metrics = metric_memory(config.gateways)

    def run(self) -> int:
        """Serves until SIGTERM, SIGINT or SIGQUIT; to be called on the main thread. On SIGHUP the gateways reload.

        Returns:
            Exit status: 0 after a drain, 1 when the server cannot start or go on; the reason is logged then.
            `INTERRUPTED` after a second SIGINT or SIGQUIT, which ends the server at once.
        """
        with ExitStack() as resources:
            resources.callback(self._close)
            for number in (signal.SIGTERM, *PARENTS_SIGNALS):
                resources.callback(signal.signal, number, signal.signal(number, self._on_signal))
            try:
                self._folder = make_folder()
            except NoFolder as error:
                log.error("cannot start: %s", error)
                return 1
            resources.callback(remove_folder, self._folder)
            log.info("folder of the sockets=%s", self._folder)
            try:
                reserved = resources.enter_context(closing(reserve_port(self._config.host, self._config.port)))
            except OSError as error:
                log.error("cannot listen host=%s port=%d: %s", self._config.host, self._config.port, error.strerror)
                return 1
            self._config = replace(self._config, port=reserved.getsockname()[1])
            self._plan()
            resources.callback(self._control.close)
            try:
                status = self._watch()
            except OSError as error:  # of `restore_folder`
                log.error("cannot go on: %s", error)
                status = 1
            finally:
                self._stop()
            return INTERRUPTED if self._hurried else status

    def _plan(self) -> None:
        config, folder = self._config, self._folder
        self._workers = Workers(config, folder, self._gateways_ended, self._standby)
        self._control, self._commands = ControlSocket(folder), ServerCommands(config, self._workers)
        endpoints, key_counts = self._workers.endpoints, KeyCounts.of(config.gateways)
        self._gateways = [self._gateway(index, endpoints, key_counts) for index in range(config.gateways)]

    def _gateway(self, index: int, endpoints: tuple[ModelEndpoints, ...], key_counts: KeyCounts) -> Child:
        shared = self._folder, index, self._metrics, key_counts, self._gateway_alive
        return Child(f"gateway-{index}", gateway_main, lambda ready: (self._config, endpoints, ready, *shared))

    # --- signals -----------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        os.write(self._signalled, bytes([number]))

    def _read_signals(self) -> bool:
        """Obeys the signals that have come; returns whether the server is to end at once."""
        for number in os.read(self._signals, 64):
            log.info("received signal=%s", signal.Signals(number).name)
            if number == signal.SIGHUP:
                self._reload()
            elif self._stopping and number != signal.SIGTERM:
                self._hurried = True  # an orchestrator may repeat its SIGTERM; a person who asks twice does not wait
            self._stopping |= number != signal.SIGHUP
        return self._hurried

    def _reload(self) -> None:
        for gateway in self._gateways:
            if gateway.process is not None and gateway.process.pid is not None and gateway.process.is_alive():
                os.kill(gateway.process.pid, signal.SIGHUP)  # not waited for yet, so the number is still its own

    # --- while serving -----------------------------------------------------------------------------------------------

    @property
    def _children(self) -> list[Child]:
        return [*self._workers.children, *self._gateways, self._standby.child]

    def _watch(self) -> int:
        """Starts what is due and restarts what has died, until a signal comes or the server cannot go on."""
        while True:
            now = time.monotonic()
            for child in (*self._workers.kept_running, *self._gateways):
                if child.process is None and now >= child.due and self._workers.may_start(child):
                    self._launch(child)
            if self._workers.settled and self._standby.is_due(now):
                self._standby.launch(self._workers.serving[0], now)
            self._wait_for_event(now)
            if self._stopping:
                return 0
            self._kill_hung()
            self._workers.go_on(time.monotonic())
            self._commands.tell_progress()
            for child in self._children:
                if child.process is not None and not child.process.is_alive() and not self._replace(child):
                    return 1

    def _launch(self, child: Child) -> None:
        restore_folder(self._folder)
        order = self._workers.order_of(child) if child in self._workers.serving else None
        if order is None or not self._standby.take_over(child, order):
            child.launch()

    def _wait_for_event(self, now: float) -> None:
        children = self._children
        due = [child.due - now for child in children if child.process is None and child.due > now]
        due += self._workers.next_end(now)
        sentinels = [child.process.sentinel for child in children if child.process is not None]
        reports = {child.reports: child for child in children if child.reports is not None}
        waiting: list[Connection | socket | int] = [self._signals, *self._control.waiting, *reports, *sentinels]
        happened = wait(waiting, min([*due, BEAT_SECONDS]))
        if self._signals in happened:
            self._read_signals()
        for command in self._control.read(happened):
            self._commands.obey(command, "the server is still starting" if self._not_ready else "")
        for report, child in reports.items():
            if report in happened:
                self._on_report(child, child.receive(time.monotonic()))

    def _on_report(self, child: Child, report: ChildReport | None) -> None:
        if isinstance(report, ChildReady):
            self._on_ready(child, report)
        elif isinstance(report, str):
            self._watchdog.beat(child.name)

    def _kill_hung(self) -> None:
        hung = self._watchdog.hung()
        for child in self._children:
            if child.name in hung and child.process is not None:
                log.error("killed process=%s pid=%s: it hangs", child.name, child.process.pid)
                child.process.kill()
                child.process.join()

    def _on_ready(self, child: Child, ready: ChildReady) -> None:
        if child is self._standby.child and child.process is not None:
            log.info("stands by process=%s pid=%s", child.name, child.process.pid)
        if self._workers.order_of(child) is not None:
            self._workers.on_ready(child, ready)
        self._demo = self._demo or ready.demo
        if child.name not in self._not_ready:
            return  # a worker, or a gateway that was restarted
        self._not_ready.discard(child.name)
        if self._not_ready:
            return
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        url = f"{self._config.scheme}://{host}:{self._config.port}"
        log.info("ready url=%s", url)
        if self._announce is not None:
            self._announce(url, self._demo)

    def _replace(self, child: Child) -> bool:
        """Plans a restart of a process that has died; False when that would not help."""
        assert child.process is not None, "it has died"
        code, cause = child.process.exitcode, child.cause
        self._watchdog.forget(child.name)
        is_worker = self._workers.order_of(child) is not None
        if is_worker and self._workers.forget(child):
            return True
        delay = child.plan_restart(time.monotonic())
        if not is_worker and self._metrics is not None and child in self._gateways:
            self._metrics.area(self._gateways.index(child)).forget_gauges()
        # Only at the start: a configuration with which the server has worked is tried again.
        if code == CANNOT_START and self._not_ready:
            log.error("cannot start process=%s: its own message says why", child.name)
            return False
        if self._is_hopeless(child):
            times = f"it ended {child.failed_starts} times in a row before it was ready"
            log.error("cannot go on process=%s: %s, the last time by %s", child.name, times, cause)
            return False
        log.warning("died process=%s exitcode=%s (%s) restart_in=%.1f", child.name, code, cause, delay)
        return True

    def _is_hopeless(self, child: Child) -> bool:
        """Whether a process cannot be started, without which the server serves nobody."""
        kind = self._gateways if child in self._gateways else self._workers.serving
        if child not in kind:
            return False
        if kind is self._workers.serving and self._not_ready:  # the other models are none of its clients'
            kind = self._workers.same_model(child)
        most = _MOST_FAILED_STARTS if self._not_ready else _MOST_FAILED_RESTARTS
        return child.failed_starts >= most and not any(other.is_ready for other in kind)

    # --- at the end --------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Stops the gateways first: they need the workers for the last finals."""
        deadline = time.monotonic() + self._config.drain_seconds + STOP_SECONDS
        serving = [worker for worker in self._workers.children if worker.is_ready]
        self._end(_running([child for child in self._children if child not in serving]), deadline - _WORKER_SECONDS)
        self._end(_running(serving), deadline)
        log.info("stopped")

    def _end(self, processes: list[BaseProcess], deadline: float) -> None:
        if self._hurried:
            shutdown.kill(processes)
        else:
            shutdown.end(processes, deadline - time.monotonic(), self._signals, self._read_signals)

    def _close(self) -> None:
        if self._metrics is not None:
            self._metrics.close()
        self._gateways_ended.close()
        self._gateway_alive.close()
        os.close(self._signals)
        os.close(self._signalled)


def _running(children: list[Child]) -> list[BaseProcess]:
    return [child.process for child in children if child.process is not None]


def serve(config: ServerConfig, announce: Announce | None = None) -> int:
    """Runs a server until SIGTERM or SIGINT; see `Supervisor`."""
    configure_logging(config)
    raise_limit()  # the gateways inherit it
    if not can_start(config):
        return 1
    return Supervisor(config, announce).run()
