"""`auricle serve`: workers and gateways in processes of their own, restarted when they die, drained at the end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from auricle_server.config import ConfigError, ServerConfig
from auricle_server.gateway.http.tls import certificate_of
from auricle_server.gateway.keys.policy import log_access
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.gateway.listening.descriptors import raise_limit
from auricle_server.ipc.loading_status import forget_loading
from auricle_server.serving.processes import (
    CANNOT_START,
    PARENTS_SIGNALS,
    configure_logging,
    gateway_main,
    worker_main,
)
from auricle_server.serving.server_folder import NoFolder, make_folder, remove_folder, restore_folder
from auricle_server.serving.watchdog import BEAT_SECONDS, Watchdog
from auricle_server.shared_metrics import metric_memory
from auricle_server.voice.models import ModelsMissing, find_wanted

log = logging.getLogger(__name__)

_SETTLED_SECONDS = 60.0
"""A process that has been ready for this long is restarted at once, as if it had not failed before. Its start does not
count: loading a model takes minutes at times, and one that dies of it must not do so for ever without a pause."""
_MAX_DELAY = 30.0
_GRACE_SECONDS = 8.0
"""For the last finals and close frames, after `drain_seconds`."""
_WORKER_GRACE_SECONDS = 5.0

_context = multiprocessing.get_context("spawn")  # a fork would share the parent's threads and sockets


@dataclass(slots=True)
class _Child:
    """One process that is kept running."""

    name: str
    start: Callable[[], BaseProcess]
    process: BaseProcess | None = None
    ready_at: float | None = None
    """Monotonic time at which it became ready; None before."""
    failures: int = 0
    due: float = field(default=0.0)
    """Monotonic time of its next start."""

    def launch(self) -> None:
        self.process, self.ready_at = self.start(), None

    def plan_restart(self, now: float) -> float:
        """Notes that the process has died; returns the seconds until it is started again."""
        settled = self.ready_at is not None and now - self.ready_at > _SETTLED_SECONDS
        self.failures = 0 if settled else self.failures + 1
        # A first death may be chance, and clients are waiting; only one that repeats itself backs off.
        delay = 0.0 if self.failures <= 1 else min(_MAX_DELAY, 0.5 * 2.0 ** (self.failures - 2))
        self.process, self.due = None, now + delay
        return delay


class Supervisor:
    """Runs the processes of one server.

    Args:
        config: Of the server; port 0 takes a free one.
        announce: Called once with the server's URL, when all gateways take streams.
    """

    def __init__(self, config: ServerConfig, announce: Callable[[str], None] | None = None) -> None:
        self._config = config
        self._announce = announce
        self._not_ready = {f"gateway-{index}" for index in range(config.gateways)}
        self._stopping = False
        # A self-pipe: since PEP 475 `wait` goes on waiting after a signal's handler, unless one of its descriptors is
        # ready.
        self._signals, self._signalled = os.pipe()
        self._beats, self._childrens_end = _context.Pipe(duplex=False)
        self._watchdog = Watchdog()
        self._gateways: list[_Child] = []
        self._workers: list[_Child] = []
        self._endpoints: tuple[str, ...] = ()
        self._folder = Path()
        self._metrics = metric_memory(config.gateways)

    def run(self) -> int:
        """Serves until SIGTERM, SIGINT or SIGQUIT; to be called on the main thread. On SIGHUP the gateways reload.

        Returns:
            Exit status: 0 after a drain, 1 when the server cannot start; the reason is logged then.
        """
        with ExitStack() as resources:
            try:
                self._folder = make_folder()
            except NoFolder as error:
                log.error("cannot start: %s", error)
                return 1
            resources.callback(remove_folder, self._folder)
            try:
                reserved = resources.enter_context(closing(_reserve_port(self._config.host, self._config.port)))
            except OSError as error:
                log.error("cannot listen host=%s port=%d: %s", self._config.host, self._config.port, error.strerror)
                return 1
            self._config = replace(self._config, port=reserved.getsockname()[1])
            self._plan()
            for number in (signal.SIGTERM, *PARENTS_SIGNALS):
                resources.callback(signal.signal, number, signal.signal(number, self._on_signal))
            try:
                return self._watch()
            except OSError as error:  # of `restore_folder`
                log.error("cannot go on: %s", error)
                return 1
            finally:
                self._stop()

    def _plan(self) -> None:
        config, folder = self._config, self._folder
        self._endpoints = endpoints = tuple(f"ipc://{folder}/worker-{index}" for index in range(config.workers))
        for index, endpoint in enumerate(endpoints):
            self._workers.append(
                self._child(f"worker-{index}", worker_main, config, endpoint, index, self._childrens_end)
            )
        key_counts = KeyCounts.of(config.gateways)
        for index in range(config.gateways):
            shared = self._childrens_end, folder, index, self._metrics, key_counts
            self._gateways.append(self._child(f"gateway-{index}", gateway_main, config, endpoints, *shared))

    def _child(self, name: str, target: Callable[..., None], *args: object) -> _Child:
        def start() -> BaseProcess:
            restore_folder(self._folder)
            process = _context.Process(target=target, args=args, name=name, daemon=True)
            signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)  # the child inherits it, see there
            try:
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
            log.info("started process=%s pid=%s", name, process.pid)
            return process

        return _Child(name, start)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        os.write(self._signalled, bytes([number]))

    # --- while serving -----------------------------------------------------------------------------------------------

    def _watch(self) -> int:
        """Starts what is due and restarts what has died, until a signal comes or the server cannot start."""
        children = [*self._workers, *self._gateways]
        while True:
            now = time.monotonic()
            for child in children:
                if child.process is None and now >= child.due:
                    child.launch()
            self._wait_for_event(children, now)
            if self._stopping:
                return 0
            self._kill_hung(children)
            for child in children:
                if child.process is not None and not child.process.is_alive() and not self._replace(child):
                    return 1

    def _wait_for_event(self, children: list[_Child], now: float) -> None:
        due = [child.due - now for child in children if child.process is None]
        sentinels = [child.process.sentinel for child in children if child.process is not None]
        happened = wait([self._signals, self._beats, *sentinels], min([*due, BEAT_SECONDS]))
        if self._signals in happened:
            for number in os.read(self._signals, 64):
                self._obey(number)
        while self._beats.poll():
            self._on_beat(self._beats.recv())

    def _obey(self, number: int) -> None:
        if number != signal.SIGHUP:
            self._stopping = True
            return
        for gateway in self._gateways:
            if gateway.process is not None and gateway.process.pid is not None:
                os.kill(gateway.process.pid, number)  # not waited for yet, so the number is still that process's

    def _on_beat(self, name: str) -> None:
        self._watchdog.beat(name)
        for child in (*self._workers, *self._gateways):
            if child.name == name and child.ready_at is None:
                child.ready_at = time.monotonic()
        if name not in self._not_ready:
            return  # a worker, or a gateway that has been ready before
        self._not_ready.discard(name)
        if self._not_ready:
            return
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        url = f"{self._config.scheme}://{host}:{self._config.port}"
        log.info("ready url=%s", url)
        if self._announce is not None:
            self._announce(url)

    def _kill_hung(self, children: list[_Child]) -> None:
        hung = self._watchdog.hung()
        for child in children:
            if child.name in hung and child.process is not None:
                log.error("killed process=%s pid=%s: it hangs", child.name, child.process.pid)
                child.process.kill()
                child.process.join()

    def _replace(self, child: _Child) -> bool:
        """Plans a restart; False when that would not help."""
        if child.process is None:
            return True
        self._watchdog.forget(child.name)
        if child in self._workers:
            forget_loading(self._endpoints[self._workers.index(child)])
        elif self._metrics is not None:
            self._metrics.area(self._gateways.index(child)).forget_gauges()
        code = child.process.exitcode
        # Only at the start: a configuration with which the server has worked is tried again.
        if code == CANNOT_START and self._not_ready:
            log.error("cannot start process=%s", child.name)
            return False
        delay = child.plan_restart(time.monotonic())
        log.warning("died process=%s exitcode=%s restart_in=%.1f", child.name, code, delay)
        return True

    # --- at the end --------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Stops the gateways first: they need the workers for the last finals."""
        _end(self._gateways, self._config.drain_seconds + _GRACE_SECONDS)
        _end(self._workers, _WORKER_GRACE_SECONDS)
        self._beats.close()
        self._childrens_end.close()
        if self._metrics is not None:
            self._metrics.close()
        os.close(self._signals)
        os.close(self._signalled)
        log.info("stopped")


def serve(config: ServerConfig, announce: Callable[[str], None] | None = None) -> int:
    """Runs a server until SIGTERM or SIGINT; see `Supervisor`."""
    configure_logging(config.log_level)
    raise_limit()  # the gateways inherit it
    try:
        find_wanted(config.turn_models)
    except ModelsMissing as missing:
        log.error("cannot start turn_models=%s: %s", config.turn_models, missing)
        return 1
    try:
        certificate_of(config)
        log_access(config)
    except ConfigError as error:
        log.error("cannot start: %s", error)
        return 1
    return Supervisor(config, announce).run()


def _end(children: list[_Child], seconds: float) -> None:
    processes = [child.process for child in children if child.process is not None]
    # All are asked before any is waited for: they drain side by side, under one deadline.
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            log.warning("killed process=%s pid=%s", process.name, process.pid)
            process.kill()
            process.join()


def _reserve_port(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen: it keeps the port for the gateways, which share it, across restarts.

    Raises:
        OSError: The address is not one of this machine, or another server listens there.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    # Without SO_REUSEPORT: with it, a second server would share the first one's port.
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    reserved = socket.socket(family)
    # REUSEADDR: connections of the last run that are in TIME_WAIT must not prevent the start.
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host, port))
    return reserved
