"""`auricle bench fleet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from auricle_server.commands.console import fail

_RESULTS = Path("tests/bench/results")


def fleet(
    latency_ms: Annotated[int, typer.Option(help="Chunk latency of the streams.")],
    gpu: Annotated[str | None, typer.Option(help="Type of the servers' GPUs, one each.")] = None,
    cpu: Annotated[bool, typer.Option("--cpu", help="Servers without GPUs, from records of a CPU.")] = False,
    model: Annotated[str, typer.Option(help="nemotron-en, nemotron-3.5, 120m or demo.")] = "nemotron-en",
    efficiency: Annotated[
        float, typer.Option(help="Share of the roofline's speed that is assumed of a GPU without records.")
    ] = 0.5,
    servers: Annotated[int, typer.Option(help="Servers of the fleet.")] = 1000,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="A scenario of docs/capacity.md, or all. Repeat the option for several. Default: your own."),
    ] = None,
    load: Annotated[float, typer.Option(help="Streams over the capacity of all servers at the peak.")] = 0.75,
    seconds: Annotated[float, typer.Option(help="Length of the run.")] = 1200.0,
    tick: Annotated[float, typer.Option(help="Step of the simulation, and interval of health checks, seconds.")] = 0.5,
    call_seconds: Annotated[float, typer.Option(help="Mean length of a call.")] = 180.0,
    lowest: Annotated[float, typer.Option(help="Streams at the day's lowest point, as a share of the peak.")] = 1.0,
    burst: Annotated[float, typer.Option(help="More calls for a quarter of the run, as a share.")] = 0.0,
    zones: Annotated[int, typer.Option(help="Zones over which the servers are spread.")] = 3,
    lose_zone: Annotated[bool, typer.Option("--lose-zone", help="A zone is lost for half of the run.")] = False,
    update_at_once: Annotated[
        int | None, typer.Option(help="Update all servers, so many at a time. Default: no update.")
    ] = None,
    drain: Annotated[float, typer.Option(help="The servers' --drain-seconds.")] = 50.0,
    restart: Annotated[float, typer.Option(help="Seconds from the end of a server to its readiness.")] = 15.0,
    crashes: Annotated[float, typer.Option(help="Crashes of each server in a year.")] = 12.0,
    machine_losses: Annotated[float, typer.Option(help="Losses of each server's machine in a year.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 0,
    results: Annotated[Path, typer.Option(help="Folder of the records of step times.")] = _RESULTS,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results. Default: tests/bench/results/MACHINE.")
    ] = None,
) -> None:
    """Simulate a fleet: calls, failures, updates, and the proxies before it.

    Servers admit streams with the server's own code, and results wait as in the server's own queues, with step times
    from the records, or from the roofline of the GPU's data sheet where there are none. The record says which. Calls
    come at random and are log-normal in length; proxies send each to the server with the fewest streams, and clients
    whose server is lost come back by the client's own policy.
    """
    if (gpu is None) != cpu:
        fail("choose one of --gpu TYPE and --cpu")
        raise typer.Exit(2)
    from auricle_server.bench.fleet.fleet_events import Outages
    from auricle_server.bench.fleet.scenarios import SCENARIOS, FleetRun, Scenario, run
    from auricle_server.bench.sizing.models import CannotSize
    from auricle_server.bench.sizing.sizing import SizeOptions

    unknown = sorted(set(scenario or ()) - {*SCENARIOS, "all"})
    if unknown:
        fail(f"--scenario {unknown[0]}: choose from all, {', '.join(SCENARIOS)}")
        raise typer.Exit(2)
    outages = Outages(
        zones=zones,
        restart=restart,
        crashes=crashes,
        machine_losses=machine_losses,
        lost_zone=(seconds / 4, seconds / 2) if lose_zone else None,
        update=seconds / 20 if update_at_once is not None else None,
        update_at_once=1 if update_at_once is None else update_at_once,
        drain=drain,
    )
    bursts = ((seconds / 4, seconds / 4, burst),) if burst else ()
    own = Scenario(
        load=load,
        seconds=seconds,
        tick=tick,
        call_seconds=call_seconds,
        lowest=lowest,
        bursts=bursts,
        outages=outages,
    )
    chosen = SCENARIOS if "all" in (scenario or ()) else {name: SCENARIOS[name] for name in scenario or ()}
    asked = SizeOptions(streams=1, latency_ms=latency_ms, gpu=gpu, model=model, efficiency=efficiency, results=results)
    console = Console(highlight=False, soft_wrap=True)
    try:
        run(
            FleetRun(size=asked, servers=servers, scenarios=chosen or {"own": own}, seed=seed, out=out),
            lambda text: console.print(text, markup=False),
        )
    except (CannotSize, ValueError) as error:
        fail(str(error))
        raise typer.Exit(1) from error
