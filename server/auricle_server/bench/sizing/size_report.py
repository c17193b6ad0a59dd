"""The answer of `auricle size` line by line, each with how it is known; and values for the Helm chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from auricle_server.bench.sizing.gateways import STREAMS_OF_A_PROXY, upload_bits
from auricle_server.bench.sizing.sizing import Sizing
from auricle_server.bench.sizing.step_times import Basis
from auricle_server.engine.model.state_pool import CPU_SLOTS

_GIGA = 1e9
_PYTHON_BYTES = 0.5e9
"""What a worker takes in the host's memory without weights, at most."""
_HOURS_OF_A_MONTH = 730


@dataclass(frozen=True, slots=True)
class Line:
    """One figure.

    Attributes:
        key: For programs.
        name: For people.
        value: The figure.
        shown: The figure with its unit, for people.
        basis: How it is known.
        source: From what, in words.
    """

    key: str
    name: str
    value: float
    shown: str
    basis: Basis
    source: str


def lines(sizing: Sizing) -> list[Line]:
    """All figures, from one worker to the fleet."""
    return [*_worker(sizing), *_fleet(sizing), *_around(sizing), *_cost(sizing)]


def _worker(sizing: Sizing) -> Iterator[Line]:
    server, latency_ms = sizing.server, sizing.options.latency_ms
    times, capacity, unit = server.times, server.capacity, "GPU" if server.times.on_gpu else "machine"
    step = times.of(times.most_rows) if times.basis is Basis.ARITHMETIC else times.seconds[-1]
    rows = times.most_rows if times.basis is Basis.ARITHMETIC else times.rows[-1]
    yield Line("step_seconds", f"a step of {rows:,} rows", step, f"{step * 1e3:.1f} ms", times.basis, times.source)
    if capacity.sustained is not None:
        held = capacity.sustained
        told = f"p99 of the wait within {latency_ms} ms, no growing backlog: {times.source}"
        yield Line("sustained_streams", f"streams that a {unit} held", held, f"{held:,}", Basis.MEASURED, told)
    told = f"the server's own admission on these step times, --max-load {capacity.max_load:g}"
    yield _count("streams_by_time", f"streams that a {unit} has time for", capacity.by_time, told)
    told = f"{server.memory / _GIGA:.0f} GB ({server.memory_source}), weights {server.need.weights / _GIGA:.2f} GB, "
    told += f"each stream {server.need.stream / 1e6:.2f} MB"
    yield _count("streams_by_memory", f"streams that a {unit} has memory for", capacity.by_memory, told)
    told = "the least of the lines above"
    if capacity.sustained is not None:
        told += f"; of the streams that were held, {capacity.max_load:.0%}"
    yield _count("streams_per_worker", f"capacity of a {unit}", capacity.streams, told)


def _fleet(sizing: Sizing) -> Iterator[Line]:
    options, server = sizing.options, sizing.server
    workers = sizing.servers * server.workers
    if server.times.on_gpu:
        yield _count("gpus", "GPUs", workers, f"{sizing.servers:,} servers of {server.workers}")
    told = f"{options.streams:,} streams over {server.streams:,} x {options.load:.0%}, and {options.spare} spare"
    if options.zones > 1:
        told += f"; {options.zones} zones, one of which may be lost"
    yield _count("servers", "servers", sizing.servers, told)
    yield _share(
        "used_at_peak", "capacity in use at the peak", sizing.at_peak, "streams over the capacity of all servers"
    )
    left = sizing.left_after_loss
    lost = sizing.servers - left
    if left > 0:
        share = options.streams / (left * server.streams)
        told = f"{left:,} of {sizing.servers:,} servers left" + ("" if share <= 1 else ": streams are refused")
        yield _share(
            "used_after_loss", f"the same with {lost:,} {'server' if lost == 1 else 'servers'} lost", share, told
        )


def _around(sizing: Sizing) -> Iterator[Line]:
    server, gateway, streams = sizing.server, sizing.gateway, sizing.options.streams
    each, cores = 1e3 * gateway.cores, streams * gateway.cores
    name = "gateways' cores for 1,000 streams"
    yield Line("gateway_cores_per_1000", name, each, f"{each:.1f}", gateway.basis, gateway.source)
    told = "in proportion to the line above"
    yield Line("gateway_cores", "gateways' cores at the peak", cores, f"{cores:,.1f}", Basis.ARITHMETIC, told)
    yield _count("gateways_per_server", "gateways of a server (--gateways)", sizing.gateways, "each at most 60 % busy")
    told = "its gateways, and one for each worker; voice detection for turns by meaning is not counted"
    if not server.times.on_gpu:
        told = "the machine of the record, with its gateways on the same cores or beside them"
    yield _count("cores_per_server", "cores of a server", sizing.cores, told)
    memory = _host_bytes(sizing)
    told = (
        "weights in fp32 while they load, 0.5 GB a worker, gateways" if server.times.on_gpu else "worker and gateways"
    )
    yield Line("memory_per_server", "memory of a server", memory, f"{memory / _GIGA:.1f} GB", Basis.ARITHMETIC, told)
    bits = streams * upload_bits()
    told = f"{upload_bits() / 1e3:.0f} kbit/s a stream: 16 kHz PCM in packets of 20 ms; TLS and answers are not counted"
    yield Line("network_bits", "network to all servers", bits, f"{bits / _GIGA:,.2f} Gbit/s", Basis.ARITHMETIC, told)
    proxies = -(-streams // STREAMS_OF_A_PROXY)
    yield _count("proxies", "HAProxy processes", proxies, f"{STREAMS_OF_A_PROXY:,} streams each, by its open files")


def _host_bytes(sizing: Sizing) -> float:
    """Memory of a server, its GPUs' own left out."""
    server, gateway = sizing.server, sizing.gateway
    gateways = sizing.gateways * gateway.base_bytes + server.streams * gateway.stream_bytes
    if server.times.on_gpu:
        return gateways + server.workers * (2 * server.need.weights + _PYTHON_BYTES)
    return gateways + _PYTHON_BYTES + server.need.weights + server.capacity.streams * server.need.stream


def _cost(sizing: Sizing) -> Iterator[Line]:
    price = sizing.options.price_per_hour
    if price is None:
        return
    hourly = price * sizing.servers
    told = f"{sizing.servers:,} servers, {price:g} each and hour, as given"
    for key, name, cost in (
        ("cost_per_hour", "cost of an hour", hourly),
        ("cost_per_month", "cost of a month of 730 hours", hourly * _HOURS_OF_A_MONTH),
        ("cost_per_stream_hour", "cost of an hour of a stream at the peak", hourly / sizing.options.streams),
    ):
        yield Line(key, name, cost, f"{cost:,.2f}" if cost >= 1 else f"{cost:.6f}", Basis.ARITHMETIC, told)


def _count(key: str, name: str, value: int, source: str) -> Line:
    return Line(key, name, value, f"{value:,}", Basis.ARITHMETIC, source)


def _share(key: str, name: str, value: float, source: str) -> Line:
    return Line(key, name, value, f"{value:.0%}", Basis.ARITHMETIC, source)


def summary(sizing: Sizing) -> str:
    """What rests on what, in a sentence or two."""
    times, options = sizing.server.times, sizing.options
    asked = f"{options.streams:,} streams of {sizing.model.name} at {options.latency_ms} ms on {sizing.server.name}"
    if times.basis is Basis.MEASURED:
        return f"{asked}, {sizing.server.weights}: step times were measured on such a machine."
    return (
        f"{asked}, {sizing.server.weights}: no step on this GPU has been measured. All its figures are arithmetic from "
        f"the roofline, and rest on the assumption that steps reach {options.efficiency:.0%} of its speed "
        "(--efficiency). Measure with make gpu, and this command takes the records in."
    )


def as_json(sizing: Sizing) -> dict[str, Any]:
    """The answer for programs."""
    options = {name: value for name, value in asdict(sizing.options).items() if name != "results"}
    figures = [asdict(line) for line in lines(sizing)]
    return {"options": options, "summary": summary(sizing), "lines": figures, "helm_values": helm_values(sizing)}


def helm_values(sizing: Sizing) -> dict[str, Any]:
    """Values for deploy/helm/auricle."""
    options, server = sizing.options, sizing.server
    on_gpu, capacity = server.times.on_gpu, server.capacity.streams
    memory = f"{max(1, round(_host_bytes(sizing) / (1 << 30) + 0.5))}Gi"
    return {
        "model": sizing.model.name,
        **({"gpu": {"enabled": True, "count": server.workers}} if on_gpu else {}),
        "server": {
            "gateways": sizing.gateways,
            "maxLoad": options.max_load,
            "latencyMs": options.latency_ms,
            # A CPU's default would bound it earlier.
            "slots": None if on_gpu or capacity <= CPU_SLOTS else capacity,
        },
        "resources": {"requests": {"cpu": str(sizing.cores), "memory": memory}, "limits": {"memory": memory}},
        "podDisruptionBudget": {"maxUnavailable": max(1, options.spare)},
        "autoscaling": {
            "minReplicas": min(sizing.servers, options.spare + 1),
            "maxReplicas": sizing.servers,
            "target": options.load,
            "keda": {"enabled": True},
        },
    }
