"""A fleet behind a proxy under live calls: one server fills up, one is killed, and all are restarted in turn."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from tests.auricle_server.raw_client import until
from tests.deploy.programs import PLACES, free_ports
from tests.torture.behind_proxy.envoy import envoy
from tests.torture.behind_proxy.fleet import FleetServer, Probes, filled, fleet
from tests.torture.behind_proxy.haproxy import haproxy
from tests.torture.calls import LiveCalls
from tests.torture.plan import Plan
from tests.torture.result import TrialResult

CALLS = 24
SMALL, LARGE = 8, 40
"""Slots: one server is too small for its share, and each of the others can hold all calls."""
_LATENCY_MS = 560
"""Of all calls: what matters here is that they move, and one server, which starts on two cores, holds all of them."""
_OPEN_SECONDS = 60.0
_SETTLE_SECONDS = 1.0
"""Between two faults: the proxy has noticed that a server is back, and calls have gone on."""


async def roll(url: str, servers: list[FleetServer], rounds: int, seed: int, answer_timeout: float) -> TrialResult:
    """Fills, kills and restarts the servers of a fleet.

    Args:
        url: Of the proxy in front of it.
        servers: The fleet; the first is the small one.
        rounds: How often all of it happens.
        seed: Of what the callers say.
        answer_timeout: Of the callers' clients, as in `Plan`.

    Returns:
        Whether words were lost, calls ended, or streams refused.
    """
    result = TrialResult("rolling restarts", f"{CALLS} calls through a proxy before {len(servers)} servers")
    began = time.monotonic()
    calls = LiveCalls(url, CALLS, seed, "call ", answer_timeout, (_LATENCY_MS,))
    try:
        # A call opens its stream once: a server that dies between the upgrade and `ready` would end it.
        await until(lambda: calls.opened == CALLS, _OPEN_SECONDS)
        async with Probes(url).running() as probes:
            for number in range(rounds):
                await _round(servers, servers[1 + number % (len(servers) - 1)], result)
        outcomes = await calls.finish()
    except BaseException:
        await calls.abandon()
        raise
    for name, outcome in outcomes.items():
        result.judge(name, outcome)
        result.counts["breaks of calls"] += len(outcome.outages)
    result.counts["new streams"] = probes.answers.total()
    for refusal in probes.refusals:
        result.fail(f"a new stream was refused: {refusal}")
    result.seconds = time.monotonic() - began
    return result


async def _round(servers: list[FleetServer], victim: FleetServer, result: TrialResult) -> None:
    await asyncio.sleep(_SETTLE_SECONDS)
    async with filled(servers[0]) as streams:
        result.counts["streams that fill a server"] += len(streams)
        await victim.kill()
        result.counts["killed servers"] += 1
        await victim.start()
        await asyncio.sleep(_SETTLE_SECONDS)
    for server in servers:
        await server.stop()
        result.check(server.process.exit_code == 0, f"{server.name} ended with {server.process.exit_code}")
        result.counts["restarts"] += 1
        await server.start()
        await asyncio.sleep(_SETTLE_SECONDS)


async def rolling_restarts(plan: Plan, folder: Path) -> list[TrialResult]:
    """The same behind each proxy that is here, ten times in an hour's run."""
    results = []
    for name, proxy in (("haproxy", haproxy), ("envoy", envoy)):
        title = f"rolling restarts behind {name}"
        if shutil.which(name, path=PLACES) is None:
            results.append(TrialResult(title, "", skipped=f"needs {name}: apt-get install haproxy, make deploy-tools"))
            continue
        ports = free_ports(3)
        async with fleet(folder / name, ports, (SMALL, LARGE, LARGE)) as servers:
            with proxy(ports, folder) as url:
                result = await roll(url, servers, plan.scaled(10), 1000 * plan.seed + 700, plan.answer_timeout)
        result.name = title
        results.append(result)
    return results
