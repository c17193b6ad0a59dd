"""One process that the supervisor keeps running: how it is started, and when it is started again."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from auricle_server.serving.processes import PARENTS_SIGNALS, CannotStart, ChildReady, ChildReport, GatewaysJoined

log = logging.getLogger(__name__)

SETTLED_SECONDS = 10.0
"""A process that has been ready for this long is restarted at once, as if it had not failed before: calls wait for it.
Its start does not count: loading a model takes minutes at times, and one that dies of it must not do so for ever
without a pause."""
MAX_DELAY = 30.0

context = multiprocessing.get_context("spawn")  # a fork would share the parent's threads and sockets

Arguments = Callable[[Connection], tuple[object, ...]]
"""Makes the arguments of a process, of the end of the pipe on which it reports."""


@dataclass(slots=True)
class Child:
    """One process that is kept running.

    Attributes:
        name: Of the process.
        target: What it runs.
        arguments: Called at each start.
        process: None while it is not running.
        reports: Its reports; None when it can send no more.
        ready_at: Monotonic time at which it became ready; None before.
        joined: Whether all gateways know it, for a worker.
        failures: Deaths in a row, without one that came long after it was ready.
        failed_starts: Deaths in a row before it was ready.
        due: Monotonic time of its next start.
        problem: Why it could not start the last time, in its own words.
    """

    name: str
    target: Callable[..., None]
    arguments: Arguments
    process: BaseProcess | None = None
    reports: Connection | None = None
    ready_at: float | None = None
    joined: bool = False
    failures: int = 0
    failed_starts: int = 0
    due: float = 0.0
    problem: str = ""

    def launch(self) -> None:
        """Starts the process."""
        self.adopt(*spawn(self.name, self.target, self.arguments))

    def adopt(self, process: BaseProcess, reports: Connection | None) -> None:
        """Takes a process that runs already."""
        self.process, self.reports, self.ready_at, self.joined = process, reports, None, False
        log.info("started process=%s pid=%s", self.name, process.pid)

    @property
    def is_ready(self) -> bool:
        """Whether the process runs and has reported that it is ready."""
        return self.process is not None and self.ready_at is not None

    def receive(self, now: float) -> ChildReport | None:
        """Takes a report; None when it has died instead."""
        assert self.reports is not None, "there is something to receive"
        try:
            report: ChildReport = self.reports.recv()
        except (EOFError, OSError):
            self.reports.close()
            self.reports = None
            return None
        if isinstance(report, ChildReady):
            self.ready_at, self.failed_starts = now, 0
        elif isinstance(report, GatewaysJoined):
            self.joined = True
        elif isinstance(report, CannotStart):
            self.problem = report.why
        return report

    def release(self) -> tuple[BaseProcess, Connection | None] | None:
        """Gives the process to another child; None when none is alive."""
        process, reports = self.process, self.reports
        if process is None or not process.is_alive():
            return None
        self.process = self.reports = self.ready_at = None
        return process, reports

    def plan_restart(self, now: float) -> float:
        """Notes that the process has died; returns the seconds until it is started again."""
        settled = self.ready_at is not None and now - self.ready_at > SETTLED_SECONDS
        self.failures = 0 if settled else self.failures + 1
        self.failed_starts += self.ready_at is None
        # A first death may be chance, and clients are waiting; only one that repeats itself backs off.
        delay = 0.0 if self.failures <= 1 else min(MAX_DELAY, 0.5 * 2.0 ** (self.failures - 2))
        self.process, self.due = None, now + delay
        if self.reports is not None:
            self.reports.close()
            self.reports = None
        return delay

    @property
    def cause(self) -> str:
        """How the process ended, in words."""
        code = None if self.process is None else self.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name


def spawn(name: str, target: Callable[..., None], arguments: Arguments) -> tuple[BaseProcess, Connection]:
    """Starts a process; returns it and what it reports."""
    reports, theirs = context.Pipe(duplex=False)
    process = context.Process(target=target, args=arguments(theirs), name=name, daemon=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)  # the child inherits it, see there
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
        theirs.close()  # the child has its own, whose end is thus the end of the reports
    return process, reports
