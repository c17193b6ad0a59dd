"""The text of a run of `make gpu`: what was measured, and what bounds it. Pure, from the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from auricle_server.bench.gpu.lines import ceilings_line, limit_lines, shapes_lines

Result = Mapping[str, Any]

HOST_BOUND = 1.25
"""A call of the engine that takes so many times its step's time on the device waits for the host."""
LATE_CLIENTS = 0.010
"""Seconds of p99 by which clients may send late; beyond, a run says nothing about the server."""
FULL = 0.9
"""Share of a core, or of a GPU's time, from which on it is the bound."""


def report(results: Sequence[Result]) -> str:
    """All results of a machine in words."""
    runs = [result for result in results if result["kind"] == "gpu"]
    lines = [_machine(results[0])] if results else ["No results."]
    for kind, describe in _KINDS.items():
        for result in (result for result in results if result["kind"] == kind):
            lines += ["", *describe(result)]
    for run in runs:
        lines += ["", *_stages(run)]
    return "\n".join(lines) + "\n"


def _machine(result: Result) -> str:
    machine, versions = result["machine"], result["versions"]
    name = f"{machine['gpu']}, driver {machine['driver']}, " if machine["gpu"] else ""
    packages = ", ".join(f"{package} {version}" for package, version in versions.items())
    return f"{name}{machine['cores']} cores of {machine['cpu']}; {packages}; commit {result['commit'] or 'unknown'}"


def _engine(result: Result) -> Iterator[str]:
    figures = result["figures"]
    live = figures["live"]
    held = f"{figures['sustained_streams']} streams sustained at {figures['latency_ms']} ms"
    limit = " (all that fit into memory: memory bounds it)" if figures["sustained_streams"] == figures["limit"] else ""
    yield f"Engine, {figures['model']}, {figures['dtype']}: {held}{limit}"
    yield (
        f"  wait p50 {_ms(live['wait']['p50'])}, p99 {_ms(live['wait']['p99'])} of {live['streams']} streams; "
        f"steps of {live['rows']['p50']:.0f} rows take {_ms(live['step']['p50'])} on the device and "
        f"{_ms(live['call']['p50'])} of the host's time; packets of 4 ms are pushed in {_ms(live['push']['p50'])}"
    )
    if live["call"]["p50"] > HOST_BOUND * live["step"]["p50"]:
        yield "  bound by host time: the device is done before the host asks for its results"
    else:
        yield "  bound by the device: see the steps below"


def _steps(result: Result) -> Iterator[str]:
    figures = result["figures"]
    precision = " and ".join([figures["dtype"], *(f"{part} in FP8" for part in figures["fp8"])])
    yield f"Steps, {figures['model']}, {precision}: {ceilings_line(figures['ceilings'])}"
    yield from shapes_lines(figures["warm_up"])
    for limit in figures["steps"]:
        yield from limit_lines(limit)


def _kernels(result: Result) -> Iterator[str]:
    yield "Kernels at the published models' sizes"
    for row in result["figures"]["rows"]:
        rate = f", {row['rate']:.2f} {row['unit']}" if row["rate"] else ""
        yield f"  {row['operation']:12} {row['kind']:9} {row['size']:36} {row['microseconds']:9.1f} us{rate}"


def _serve(result: Result) -> Iterator[str]:
    figures = result["figures"]
    load = figures["load"]
    found = figures["capacity_streams"]
    held = f"{found} streams hold" if found is not None else f"{load['streams']} streams"
    yield f"Through WebSockets, {figures['model']}, {load['latency_ms']} ms: {held}"
    for one in figures["tried"]:
        wrong = "; ".join(one["problems"]) or "holds"
        yield f"  {one['streams']} streams: final p95 {_ms(one['final_p95'])}, step p99 {_ms(one['step_p99'])}: {wrong}"
    yield f"  ready {load['ready_seconds']:.1f} s after its start; bound by {_serve_bound(result, load)}"


def _serve_bound(result: Result, load: Mapping[str, Any]) -> str:
    if load["client_lateness"]["p99"] > LATE_CLIENTS:
        late = _ms(load["client_lateness"]["p99"])
        return f"the clients, who send {late} late (p99): the run says nothing about the server"
    if load["step_p99"] > load["latency_ms"] / 1000:
        return "the engine's steps, which take longer than a chunk"
    gateway = load["cores"].get("gateway", 0.0) / result["options"]["gateways"]
    used = ", ".join(f"{role} {cores:.1f}" for role, cores in load["cores"].items())
    used = f"(cores used: {used}; GPU busy for {load['gpu_percent']:.0f} %; each gateway {gateway:.0%} of a core)"
    if gateway >= FULL:
        return f"the gateways {used}"
    if load["gpu_percent"] >= 100 * FULL:
        return f"the GPU {used}"
    # The worker is no evidence: it spins while it waits for a GPU.
    return f"none of them alone {used}"


def _stages(result: Result) -> Iterator[str]:
    yield "Stages"
    for stage in result["figures"]["stages"]:
        yield f"  {stage['name']:8} {stage['verdict']} {stage['reason']}".rstrip()
        if stage["verdict"] in ("failed", "stopped"):
            yield from _indented(stage["output"][-8:])


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


_KINDS = {"engine": _engine, "steps": _steps, "kernels": _kernels, "serve": _serve}
