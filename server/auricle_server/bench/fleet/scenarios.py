"""`auricle bench fleet`: simulates fleets of one kind of server, one scenario after the other, into a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from auricle_server.bench.fleet.calls import DAY, Traffic
from auricle_server.bench.fleet.delays import delay_table
from auricle_server.bench.fleet.fleet_events import Outages
from auricle_server.bench.fleet.simulation import FleetOptions, simulate
from auricle_server.bench.report.results import record, write
from auricle_server.bench.sizing.gateways import STREAMS_OF_A_PROXY
from auricle_server.bench.sizing.models import CannotSize
from auricle_server.bench.sizing.sizing import SizeOptions, Sizing, size
from auricle_server.engine.memory import parameter_count
from auricle_server.engine.weight_formats import LARGE

Log = Callable[[str], None]

FAILURES = Outages(crashes=12.0, machine_losses=2.0)
"""Failures of each server in a year: assumed, not measured."""
BURST = (300.0, 300.0, 0.3)
"""From five minutes on, for five minutes, 30 % more calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fleet and what happens to it.

    Attributes:
        load: Streams over the capacity of all servers, on average at the peak.
        servers: Servers; None takes the number that was asked for.
        seconds: Length of the run.
        tick: Step of the simulation and interval of the proxies' checks, seconds.
        call_seconds: Mean length of a call.
        lowest: Streams at the lowest point of the day, as a share of the peak.
        bursts: See `Traffic`.
        outages: What happens to servers.
    """

    load: float = 0.75
    servers: int | None = None
    seconds: float = 1200.0
    tick: float = 0.5
    call_seconds: float = 180.0
    lowest: float = 1.0
    bursts: tuple[tuple[float, float, float], ...] = ()
    outages: Outages = FAILURES


def _zone(load: float) -> Scenario:
    return Scenario(load=load, outages=replace(FAILURES, lost_zone=(300.0, 600.0)))


def _update(at_once: int, load: float = 0.75, seconds: float = 3600.0) -> Scenario:
    outages = replace(FAILURES, update=60.0, update_at_once=at_once)
    return Scenario(load=load, seconds=seconds, tick=1.0, outages=outages)


def _few(servers: int, load: float) -> Scenario:
    """One of a few servers is lost for ten minutes."""
    outages = Outages(zones=servers, lost_zone=(300.0, 600.0))
    return Scenario(load=load, servers=servers, outages=outages)


SCENARIOS: Mapping[str, Scenario] = {
    "load-75": Scenario(load=0.75, bursts=(BURST,)),
    "load-90": Scenario(load=0.9, bursts=(BURST,)),
    "zone-lost-60": _zone(0.6),
    "zone-lost-75": _zone(0.75),
    "zone-lost-90": _zone(0.9),
    "four-servers": _few(4, 0.75),
    "four-and-a-spare": _few(5, 0.6),
    "update-1": _update(1, seconds=1200.0),
    "update-25": _update(25),
    "update-100": _update(100),
    "update-250": _update(250, seconds=1200.0),
    "update-100-load-90": _update(100, load=0.9),
    "day": Scenario(
        servers=200,
        seconds=DAY,
        tick=2.0,
        lowest=0.2,
        outages=replace(FAILURES, update=4 * 3600.0, update_at_once=5),
    ),
}
"""What docs/capacity.md shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRun:
    """What `auricle bench fleet` was asked for.

    Attributes:
        size: Which servers; its number of streams does not count.
        servers: Servers of the fleet.
        scenarios: Scenarios by name.
        seed: The same seed gives the same figures.
        out: Folder of the record.
    """

    size: SizeOptions
    servers: int
    scenarios: Mapping[str, Scenario]
    seed: int = 0
    out: Path | None = None


def run(asked: FleetRun, log: Log) -> dict[str, Any]:
    """Simulates all scenarios; the record is written anew after each, and returned.

    Raises:
        CannotSize: An option has no valid value.
    """
    if asked.servers < 1:
        raise CannotSize(f"--servers {asked.servers}: must be 1 or more")
    for name, scenario in asked.scenarios.items():
        _check(name, scenario)
    sizing = size(asked.size)
    figures: dict[str, Any] = {"simulated": True, **_about(sizing, asked, log), "scenarios": {}}
    result: dict[str, Any] = {}
    for name, figured in _simulated(sizing, asked, figures.pop("table"), log):
        figures["scenarios"][name] = figured
        options = {"model": sizing.model.name, "latency_ms": asked.size.latency_ms, "seed": asked.seed}
        result = record("fleet", options, figures)
        server = sizing.server.name if asked.size.gpu else "cpu"
        file = f"fleet-{sizing.model.name}-{asked.size.latency_ms}ms-{server}".lower()
        path = write(result, asked.out, file)
        log(f"{name}: {figured['refused']:,} of {figured['calls']:,} calls refused, {figured['moved']:,} moved; {path}")
    return result


def _about(sizing: Sizing, asked: FleetRun, log: Log) -> dict[str, Any]:
    """The server that is simulated, and how its figures are known."""
    server = sizing.server
    log(f"{server.name}: {server.streams:,} streams, {server.times.basis}: {server.times.source}")
    large = parameter_count(sizing.model.config) >= LARGE
    table = delay_table(server.times, server.capacity.streams, log, large=large)
    return {
        "server": server.name,
        "servers": asked.servers,
        "streams_per_server": server.streams,
        "basis": str(server.times.basis),
        "source": server.times.source,
        "efficiency": asked.size.efficiency,
        "step_rows": list(server.times.rows),
        "step_seconds": list(server.times.seconds),
        "waits": {
            "streams": table.streams.tolist(),
            "p50": table.waits[:, 100].tolist(),
            "p99": table.waits[:, 198].tolist(),
        },
        "table": table,
    }


def _simulated(sizing: Sizing, asked: FleetRun, table: Any, log: Log) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, scenario in asked.scenarios.items():
        servers = scenario.servers or asked.servers
        options = fleet_options(scenario, servers, sizing.server.streams, asked.seed)
        about = {"load": scenario.load, "servers": servers, "seconds": scenario.seconds, "tick": scenario.tick}
        given = {"traffic": asdict(options.traffic), "outages": asdict(options.outages), "proxies": options.proxies}
        yield name, {**about, **given, **simulate(options, table, log)}


def fleet_options(scenario: Scenario, servers: int, capacity: int, seed: int = 0) -> FleetOptions:
    """A scenario on so many servers of a capacity; a day has its peak at half of it."""
    streams = scenario.load * servers * capacity
    traffic = Traffic(streams, scenario.call_seconds, lowest=scenario.lowest, bursts=scenario.bursts, peak_at=DAY / 2)
    return FleetOptions(
        servers=servers,
        capacity=capacity,
        traffic=traffic if scenario.lowest < 1 else replace(traffic, peak_at=0.0),
        outages=scenario.outages,
        seconds=scenario.seconds,
        tick=scenario.tick,
        proxies=max(1, round(servers * capacity / STREAMS_OF_A_PROXY + 0.5)),
        seed=seed,
    )


def _check(name: str, scenario: Scenario) -> None:
    outages = scenario.outages
    for what, value, least in (
        ("load", scenario.load, 0.0),
        ("seconds", scenario.seconds, scenario.tick),
        ("tick", scenario.tick, 0.01),
        ("call-seconds", scenario.call_seconds, 1.0),
        ("restart", outages.restart, 0.0),
        ("drain", outages.drain, 0.0),
        ("update-at-once", outages.update_at_once, 1),
        ("zones", outages.zones, 1),
        ("crashes", outages.crashes, 0.0),
        ("machine-losses", outages.machine_losses, 0.0),
    ):
        if not least <= value < float("inf"):
            raise CannotSize(f"{name}: --{what} {value:g} must be a number of {least:g} or more")
    if not 0 < scenario.lowest <= 1:
        raise CannotSize(f"{name}: --lowest {scenario.lowest:g} must be above 0 and at most 1")
