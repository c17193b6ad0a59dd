"""What happens to the processes of a server, and to its disk, while calls are on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from tests.torture.result import TrialResult
from tests.torture.server_process import ServerProcess

_GAP = (8.0, 30.0)
"""Seconds of peace between two faults."""
_SHORT_GAP = 3.0
_STOPPED = (0.5, 14.0)
"""Seconds for which a process is stopped: some of them longer than the server waits for a worker."""
_FULL_SECONDS = 6.0
_READY_SECONDS = 60.0
_BLOCK = 1 << 16


@dataclass
class FaultRun:
    """The faults of a run.

    Attributes:
        seed: Of their order and times.
        result: What became of the server and its calls.
        outages: Seconds without a connection, of every call and every break.
        gaps: Seconds from a kill to a server that takes streams again.
    """

    seed: int
    result: TrialResult = field(default_factory=lambda: TrialResult("killed processes", ""))
    outages: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def finished(self, calls: int) -> TrialResult:
        """The result, with the figures in it."""
        self.result.asked = f"{calls} calls on a server whose processes are killed and stopped, and whose disk fills"
        self.result.counts["breaks of calls"] = len(self.outages)
        for name, seconds in (("break", self.outages), ("gap after a fault", self.gaps)):
            if seconds:
                self.result.counts[f"longest {name}, ms"] = round(1000 * max(seconds))
                self.result.counts[f"median {name}, ms"] = round(1000 * float(np.median(seconds)))
        return self.result


async def batter(server: ServerProcess, run: FaultRun, seconds: float, until: float) -> None:
    """One fault after the other, each kind as often as the others.

    Args:
        server: The server.
        run: Takes what was found.
        seconds: Length of the run, by which the pauses are scaled.
        until: Seconds after which no fault begins, so that all calls can recover.
    """
    rng, began = random.Random(run.seed), time.monotonic()
    kinds: list[str] = []
    while True:
        if not kinds:
            kinds = [name for name in FAULTS if name != "full disk" or server.disk is not None]
            rng.shuffle(kinds)
        shortest = min(_GAP[0], max(_SHORT_GAP, seconds / 40))
        await asyncio.sleep(rng.uniform(shortest, max(shortest, min(_GAP[1], seconds / 20))))
        if time.monotonic() - began > until:
            break
        await _happen(server, kinds.pop(), rng, run)
    run.result.seconds = time.monotonic() - began
    if server.disk is None:
        run.result.counts["no full disk: this user may not mount a small one"] = 1


async def _happen(server: ServerProcess, kind: str, rng: random.Random, run: FaultRun) -> None:
    began = time.monotonic()
    await FAULTS[kind](server, rng)
    run.result.counts[kind] += 1
    ready = await server.until_ready(_READY_SECONDS)
    run.result.check(ready, f"the server took no streams {_READY_SECONDS:g} s after: {kind}")
    if kind.startswith("kill"):
        run.gaps.append(time.monotonic() - began)


async def _kill_worker(server: ServerProcess, rng: random.Random) -> None:
    _signal(rng.choice(server.pids("worker") or [0]), signal.SIGKILL)
    await asyncio.sleep(0.2)  # the gateways learn of it


async def _kill_gateway(server: ServerProcess, rng: random.Random) -> None:
    _signal(rng.choice(server.pids("gateway") or [0]), signal.SIGKILL)
    await asyncio.sleep(0.2)


async def _stop_worker(server: ServerProcess, rng: random.Random) -> None:
    await _stopped(rng.choice(server.pids("worker") or [0]), rng.uniform(*_STOPPED))


async def _stop_gateway(server: ServerProcess, rng: random.Random) -> None:
    await _stopped(rng.choice(server.pids("gateway") or [0]), rng.uniform(*_STOPPED))


async def _stopped(pid: int, seconds: float) -> None:
    _signal(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        _signal(pid, signal.SIGCONT)


async def _fill_disk(server: ServerProcess, rng: random.Random) -> None:
    """Fills the file system of the server's temporary files; half of the time a gateway must start on it."""
    assert server.disk is not None
    filler = server.disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"\0" * _BLOCK):
            pass
    try:
        await asyncio.sleep(_FULL_SECONDS / 2)
        if rng.random() < 0.5:
            await _kill_gateway(server, rng)
        await asyncio.sleep(_FULL_SECONDS / 2)
    finally:
        filler.unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


FAULTS: dict[str, Callable[[ServerProcess, random.Random], Awaitable[None]]] = {
    "kill -9 of a worker": _kill_worker,
    "kill -9 of a gateway": _kill_gateway,
    "SIGSTOP of a worker": _stop_worker,
    "SIGSTOP of a gateway": _stop_gateway,
    "full disk": _fill_disk,
}
