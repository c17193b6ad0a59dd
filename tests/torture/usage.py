"""Memory, descriptors and latency of a server over a run: at its start, in its middle and at its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.torture.result import TrialResult
from tests.torture.server_process import ServerProcess

ROLES = ("gateway", "worker")
_SAMPLES = 240
_LEAST_SECONDS = 0.5
_TICK = 0.1
_EDGE = 0.06
"""Share of the time that counts as the start and as the end; nothing attacks the server then."""
MOST_GROWTH = 0.1
"""Share by which memory may grow between the middle of the run and its end: what Python and malloc keep of a peak is
reached by the middle, and a leak goes on."""
_SLACK_BYTES = 16 << 20
MOST_DESCRIPTORS = 8
"""Descriptors that a process may have more at the end than at the start: those of requests that are being answered."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Figures at one moment.

    Attributes:
        at: Monotonic seconds.
        memory: Bytes by role.
        descriptors: Open descriptors by role.
    """

    at: float
    memory: dict[str, int]
    descriptors: dict[str, int]


@dataclass
class Usage:
    """All samples of a run.

    Attributes:
        began: When the run began, in monotonic seconds.
        seconds: How long it took.
        samples: In their order.
        waits: When a finalize was answered, and the seconds that the answer took.
        lateness: By how many seconds the callers' own process was late, as often as it looked: what a busy machine
            adds to every wait.
    """

    began: float = 0.0
    seconds: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    lateness: list[tuple[float, float]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Memory in bytes, descriptors, and the latency's quantiles in seconds, by the time of the run."""
        edges = {"start": (0.02, _EDGE), "middle": (0.45, 0.55), "end": (1 - _EDGE, 1.0), "whole": (0.0, 1.0)}
        found: dict[str, Any] = {}
        for name, edge in edges.items():
            first, last = (self.began + share * self.seconds for share in edge)
            samples = [sample for sample in self.samples if first <= sample.at <= last]
            waits = [seconds for at, seconds in self.waits if first <= at <= last]
            found[name] = {
                "memory": {role: _median([sample.memory[role] for sample in samples]) for role in ROLES},
                "descriptors": {role: _median([sample.descriptors[role] for sample in samples]) for role in ROLES},
                "finalize_to_final": _quantiles(waits),
                "callers_late": _quantiles([late for at, late in self.lateness if first <= at <= last]),
            }
        return found

    def judge(self, result: TrialResult) -> None:
        """Checks that memory and descriptors do not grow."""
        figures = self.figures()
        middle, start, end = figures["middle"], figures["start"], figures["end"]
        for role in ROLES:
            before, after = middle["memory"][role], end["memory"][role]
            grown = after - before > MOST_GROWTH * before + _SLACK_BYTES
            result.check(not grown, f"the memory of the {role} grew from {before >> 20} to {after >> 20} MiB")
            opened = end["descriptors"][role] - start["descriptors"][role]
            result.check(opened <= MOST_DESCRIPTORS, f"the {role} holds {opened} descriptors more than at the start")


async def watch(server: ServerProcess, usage: Usage, seconds: float) -> None:
    """Takes samples until it is cancelled.

    Args:
        server: The server.
        usage: Takes them.
        seconds: Length of the run as planned, by which they are spread.
    """
    usage.began = time.monotonic()
    while True:
        usage.seconds = time.monotonic() - usage.began
        usage.samples.append(
            Sample(
                time.monotonic(),
                {role: server.memory(role) for role in ROLES},
                {role: server.descriptors(role) for role in ROLES},
            )
        )
        until = time.monotonic() + max(_LEAST_SECONDS, seconds / _SAMPLES)
        while (now := time.monotonic()) < until:
            await asyncio.sleep(_TICK)
            usage.lateness.append((now, time.monotonic() - now - _TICK))


def _median(values: list[int]) -> int:
    return int(np.median(values)) if values else 0


def _quantiles(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {"count": 0}
    p50, p95, p99 = np.percentile(seconds, (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": max(seconds), "count": len(seconds)}
