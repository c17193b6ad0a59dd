"""`auricle size`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from auricle_server.commands.console import fail

_RESULTS = Path("tests/bench/results")


def size(
    streams: Annotated[int, typer.Option(help="Live streams at the peak.")],
    latency_ms: Annotated[int, typer.Option(help="Their chunk latency.")],
    gpu: Annotated[
        str | None, typer.Option(help="Type of the GPUs: H200, H100, A100-80GB, L40S, L4, RTX-4090 and others.")
    ] = None,
    cpu: Annotated[bool, typer.Option("--cpu", help="Size servers without GPUs, from records of a CPU.")] = False,
    model: Annotated[str, typer.Option(help="nemotron-en, nemotron-3.5, 120m or demo.")] = "nemotron-en",
    load: Annotated[
        float, typer.Option(help="Share of the servers' capacity in use at the peak; the rest is for bursts.")
    ] = 0.75,
    max_load: Annotated[float, typer.Option(help="The servers' own --max-load.")] = 0.8,
    spare: Annotated[int, typer.Option(help="Further servers, so that as many may be away at the peak.")] = 1,
    zones: Annotated[
        int, typer.Option(help="Zones over which the servers are spread; with several, one of them may be lost.")
    ] = 1,
    gpus_per_server: Annotated[int, typer.Option(help="GPUs of a server.")] = 1,
    efficiency: Annotated[
        float, typer.Option(help="Share of the roofline's speed that is assumed of a GPU without records.")
    ] = 0.5,
    machine: Annotated[
        str | None, typer.Option(help="With --cpu, the machine of the records. Default: the one with the most.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="With --cpu, the format of the weights. Default: the one that auto takes.")
    ] = None,
    price_per_hour: Annotated[
        float | None, typer.Option(help="Price of a server for an hour, in any currency.")
    ] = None,
    results: Annotated[
        Path, typer.Option(help="Folder of records. Default: tests/bench/results, as in a checkout.")
    ] = _RESULTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how many GPUs, servers, cores and how much network a number of live streams needs.

    Each line says how its figure is known: measured, from a committed record; arithmetic; assumed; or given. With a
    record of the GPU the command takes its step times from there. Without one they come from the roofline of the GPU's
    data sheet, and rest on an assumption, which is named. At the end stand values for the Helm chart.
    """
    given: dict[str, Any] = dict(locals())
    del given["cpu"], given["as_json"]
    if (gpu is None) != cpu:
        fail("choose one of --gpu TYPE and --cpu")
        raise typer.Exit(2)
    from auricle_server.bench.sizing import size_report
    from auricle_server.bench.sizing.models import CannotSize
    from auricle_server.bench.sizing.sizing import SizeOptions
    from auricle_server.bench.sizing.sizing import size as sized

    try:
        sizing = sized(SizeOptions(**given))
    except (CannotSize, ValueError) as error:
        fail(str(error))
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(size_report.as_json(sizing), indent=2))
        return
    console = Console(highlight=False)
    console.print(size_report.summary(sizing), markup=False)
    table = Table("", "", "Known", "From", box=None, pad_edge=False)
    for line in size_report.lines(sizing):
        table.add_row(line.name, line.shown, str(line.basis), line.source)
    console.print()
    console.print(table)
    console.print("\nFor deploy/helm/auricle:\n", markup=False)
    typer.echo(_yaml(size_report.helm_values(sizing)))


def _yaml(values: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(values, sort_keys=False)
    return text.rstrip()
