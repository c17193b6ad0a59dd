"""One server of the fleet against a real one: the same calls at the same times.

The real one has sockets, a gateway, a worker and the engine's queues. Only its steps sleep for as long as the committed
record says that they take, so that a busy machine does not decide what is compared.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

import auricle
from auricle_server.bench.fleet.calls import Traffic
from auricle_server.bench.fleet.delays import QUANTILES, DelayTable, waits_of
from auricle_server.bench.fleet.simulation import Fleet, FleetOptions
from auricle_server.bench.fleet.timed_engine import SimulatedClock, timed_engine
from auricle_server.bench.sizing.models import sized_model
from auricle_server.bench.sizing.step_times import from_records
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.bench.sizing.records import COMMITTED

LATENCY_MS, CALLS, SECONDS, MEAN, SLOTS = 160, 60, 5.0, 0.7, 5
CHUNK = bytes(2 * LATENCY_MS * 16)
RECORD = json.loads((COMMITTED / "amd-epyc-2-cores" / "engine-demo-160ms.json").read_text())
_FOUND = from_records([RECORD], sized_model("demo").config, LATENCY_MS)
assert _FOUND is not None
STEPS = _FOUND
NO_RETRY = auricle.ReconnectPolicy(attempts=0)


class WallClock(SimulatedClock):
    """The real time: a step sleeps."""

    def __call__(self) -> float:
        return time.monotonic()

    @property
    def now(self) -> float:
        return time.monotonic()

    @now.setter
    def now(self, to: float) -> None:
        pass

    def wait_until(self, to: float) -> None:
        time.sleep(max(0.0, to - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Trace(Traffic):
    """Calls at given times, of given lengths."""

    at: tuple[float, ...] = ()
    lasting: tuple[float, ...] = ()
    asked: list[int] = field(default_factory=lambda: [0])
    """How many lengths have been asked for: in the order in which the calls come."""

    def arrivals(self, rng: np.random.Generator, now: float, seconds: float) -> int:
        return sum(now - seconds < at <= now for at in self.at)

    def lengths(self, rng: np.random.Generator, calls: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        self.asked[0] += calls
        return np.array(self.lasting[self.asked[0] - calls : self.asked[0]])


@dataclass(slots=True)
class Heard:
    """What the callers of the real server have seen."""

    refused: int = 0
    waits: list[float] = field(default_factory=list)


async def call(url: str, at: float, lasting: float, heard: Heard) -> None:
    began = time.monotonic()
    await asyncio.sleep(at)
    start = auricle.Start(latency_ms=LATENCY_MS, signals=True)
    try:
        async with auricle.connect(url, start=start, reconnect=NO_RETRY) as stream:
            sent = [0.0]

            async def listen() -> None:
                async for event in stream:
                    if isinstance(event, auricle.Signals):
                        heard.waits.append(time.monotonic() - sent[0])

            listening = asyncio.create_task(listen())
            while time.monotonic() < began + at + lasting:
                await stream.send(CHUNK)
                sent[0] = time.monotonic()
                await asyncio.sleep(LATENCY_MS / 1000)
            listening.cancel()
    except auricle.ServerFull:
        heard.refused += 1


@pytest.mark.slow
async def test_it_refuses_as_many_calls_and_lets_them_wait_as_long() -> None:
    rng = np.random.default_rng(4)
    at = np.sort(rng.uniform(0.2, SECONDS, CALLS)).tolist()
    lasting = np.clip(rng.exponential(MEAN, CALLS), 0.2, 3.0).tolist()
    # Slots bound it: a bound by time would move with what else this machine does.
    engine = timed_engine(STEPS, SLOTS, WallClock(), large=False)
    config = ServerConfig(max_load=0, default_latency_ms=LATENCY_MS)
    heard = Heard()
    async with serve_locally(config, engine=engine) as url:
        await asyncio.gather(*(call(url, *each, heard) for each in zip(at, lasting, strict=True)))

    waits, _ = waits_of(STEPS, SLOTS, large=False)
    table = DelayTable(np.array([1.0, 64.0]), np.quantile(waits, [QUANTILES, QUANTILES]), np.ones(2))
    traffic = Trace(0.0, at=tuple(at), lasting=tuple(lasting))
    fleet = FleetOptions(servers=1, capacity=SLOTS, traffic=traffic, seconds=SECONDS + 4, tick=0.02)
    figures = Fleet(fleet, table).run()

    assert figures.calls == CALLS
    assert figures.refused > 5
    assert abs(figures.refused - heard.refused) <= 0.2 * CALLS
    assert figures.moved == 0
    # Beside the engine's wait there are sockets, and a machine that is busy with other things.
    assert figures.delay["p50"] / 3 < np.quantile(heard.waits, 0.25) < 3 * figures.delay["p50"] + 0.2
