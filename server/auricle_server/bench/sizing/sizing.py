"""`auricle size`: how many machines a number of live streams needs, and how each figure is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from auricle_server.bench.sizing import models
from auricle_server.bench.sizing.gateways import BUSY, GatewayCost, gateway_cost
from auricle_server.bench.sizing.gpus import GPUS, gpu_type
from auricle_server.bench.sizing.models import CannotSize, Result, SizedModel
from auricle_server.bench.sizing.step_times import StepTimes, from_records, from_roofline
from auricle_server.bench.sizing.worker_capacity import MAX_LOAD, WorkerCapacity, worker_capacity
from auricle_server.dtypes import FLOAT32
from auricle_server.engine.memory import MemoryNeed, memory_need
from auricle_server.engine.weight_formats import WeightFormat

CPU_SHARE = 0.8
"""Share of a machine's memory that streams on its CPU may take beside the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """What is asked for.

    Attributes:
        streams: Live streams at the peak.
        latency_ms: Their chunk latency.
        gpu: Type of the GPUs; None sizes for CPUs.
        model: As `auricle size --model` takes it.
        load: Share of the servers' capacity in use at the peak: `autoscaling.target` of the Helm chart.
        max_load: The server's own `--max-load`.
        spare: Servers that may be away at the peak.
        zones: Zones over which the servers are spread; one of them may be lost at the peak.
        gpus_per_server: GPUs of a server.
        efficiency: Share of the roofline's speed that is assumed where nothing was measured.
        machine: Without a GPU, the machine of the records; None takes the one with the most.
        dtype: Without a GPU, the format of the weights; None takes the one that `auto` means.
        price_per_hour: Of a server; None leaves the cost out.
        results: Folder of the committed records.
    """

    streams: int
    latency_ms: int
    gpu: str | None = None
    model: str = "nemotron-en"
    load: float = 0.75
    max_load: float = MAX_LOAD
    spare: int = 1
    zones: int = 1
    gpus_per_server: int = 1
    efficiency: float = 0.5
    machine: str | None = None
    dtype: str | None = None
    price_per_hour: float | None = None
    results: Path


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the fleet.

    Attributes:
        name: What it is.
        times: Step times of a worker's engine.
        capacity: Of a worker.
        need: Memory of a worker's model.
        memory: Bytes on a worker's device.
        memory_source: From where that is known.
        workers: Workers of the server.
        weights: Format of the weights, as `--dtype` names it.
    """

    name: str
    times: StepTimes
    capacity: WorkerCapacity
    need: MemoryNeed
    memory: float
    memory_source: str
    workers: int
    weights: str

    @property
    def streams(self) -> int:
        """Streams that it takes."""
        return self.capacity.streams * self.workers


@dataclass(frozen=True, slots=True)
class Sizing:
    """The answer.

    Attributes:
        options: The question.
        model: The model.
        server: One server.
        gateway: What a stream takes in a gateway.
        servers: Servers, the spare ones included.
    """

    options: SizeOptions
    model: SizedModel
    server: Server
    gateway: GatewayCost
    servers: int

    @property
    def at_peak(self) -> float:
        """Share of the capacity in use at the peak."""
        return self.options.streams / (self.servers * self.server.streams)

    @property
    def left_after_loss(self) -> int:
        """Servers that are left when as many as may be lost are."""
        lost = -(-self.servers // self.options.zones) if self.options.zones > 1 else 0
        return self.servers - max(lost, self.options.spare)

    @property
    def gateways(self) -> int:
        """Gateway processes of a server, by the streams that it takes when it is full."""
        return max(1, math.ceil(self.server.streams * self.gateway.cores / BUSY))

    @property
    def cores(self) -> int:
        """Cores of a server: a gateway and its voice detection are busy in part, a worker on a GPU spins."""
        return self.gateways + self.server.workers


def size(options: SizeOptions) -> Sizing:
    """Sizes a fleet.

    Raises:
        CannotSize: An option has no valid value, or the model does not fit.
    """
    _check(options)
    model = models.sized_model(options.model)
    models.check_latency(model, options.latency_ms)
    results = models.committed(options.results)
    server = _cpu_server(options, model, results) if options.gpu is None else _gpu_server(options, model, results)
    if not server.streams:
        raise CannotSize(_why_none(options, server))
    needed = math.ceil(options.streams / (server.streams * options.load))
    servers = needed + options.spare
    if options.zones > 1:
        # What is left without the largest zone must take all streams, at up to its whole capacity.
        least = math.ceil(options.streams / server.streams)
        while servers - -(-servers // options.zones) < least:
            servers += 1
    return Sizing(options, model, server, gateway_cost(results), servers)


def _check(options: SizeOptions) -> None:
    for name, value, least in (
        ("streams", options.streams, 1),
        ("spare", options.spare, 0),
        ("zones", options.zones, 1),
        ("gpus-per-server", options.gpus_per_server, 1),
    ):
        if value < least:
            raise CannotSize(f"--{name} {value}: must be {least} or more")
    for name, share in (("load", options.load), ("max-load", options.max_load), ("efficiency", options.efficiency)):
        if not 0 < share <= 1:
            raise CannotSize(f"--{name} {share:g}: must be above 0 and at most 1")
    price = options.price_per_hour
    if price is not None and not (0 <= price < math.inf):
        raise CannotSize(f"--price-per-hour {price:g}: must be a number of 0 or more")
    if options.gpu is None and options.gpus_per_server > 1:
        raise CannotSize("--gpus-per-server is for GPUs; leave it out with --cpu")
    if options.gpu is not None and (options.machine or options.dtype):
        raise CannotSize("--machine and --dtype choose among records of CPUs; leave them out with --gpu")


def _why_none(options: SizeOptions, server: Server) -> str:
    if not server.capacity.by_memory:
        gigabytes = server.need.weights / 1e9
        return f"{server.name}: {options.model} and a stream do not fit; its weights alone take {gigabytes:.1f} GB"
    return (
        f"{server.name}: not even one stream of {options.model} at {options.latency_ms} ms keeps up with speech there; "
        "choose a longer latency, a smaller model or another machine"
    )


# --- servers ---------------------------------------------------------------------------------------------------------


def _gpu_server(options: SizeOptions, model: SizedModel, results: Sequence[Result]) -> Server:
    assert options.gpu is not None, "asked for"
    known = gpu_type(options.gpu)
    name = known.name if known else options.gpu
    recorded = models.of_gpu(models.of_model(results, model), name)
    need = memory_need(model.config, torch.bfloat16)
    times = from_records(recorded, model.config, options.latency_ms)
    if times is None:
        if known is None:
            raise CannotSize(
                f"--gpu {options.gpu}: neither a record nor a data sheet is known of it; measure it with make gpu, or "
                f"choose from {', '.join(GPUS)}"
            )
        times = from_roofline(known, model.config, options.latency_ms, options.efficiency)
    if recorded:
        memory, source = 1e9 * recorded[0]["machine"]["gpu_memory_gb"], "as its driver says in the record"
    else:
        assert known is not None, "it has a data sheet, or a record"
        memory, source = known.memory, "data sheet" if known.name != "H200" else "as read on one"
    capacity = worker_capacity(times, need.streams(int(memory), torch.device("cuda")), options.max_load)
    return Server(name, times, capacity, need, memory, source, options.gpus_per_server, "bfloat16")


def _cpu_server(options: SizeOptions, model: SizedModel, results: Sequence[Result]) -> Server:
    machine = models.of_cpu(models.of_model(results, model), options.machine)
    by_format = {str(each["figures"].get("weights", FLOAT32)): each for each in machine if each["kind"] == "engine"}
    usual = next((each for each in (options.dtype, "fp16-weights", FLOAT32) if each in by_format), None)
    if usual is None or (options.dtype and options.dtype != usual):
        raise CannotSize(f"--dtype {options.dtype}: there are records of {', '.join(sorted(by_format))}")
    of_format = [each for each in machine if str(each["figures"].get("weights", FLOAT32)) == usual]
    times = from_records(of_format, model.config, options.latency_ms)
    if times is None:
        measured = sorted({each["figures"]["latency_ms"] for each in of_format if each["kind"] == "engine"})
        raise CannotSize(
            f"--latency-ms {options.latency_ms}: no record of {model.name}, {usual}, on this CPU; there are records of "
            f"{', '.join(map(str, measured))}; measure it with: auricle bench engine --latency-ms {options.latency_ms}"
        )
    about = of_format[0]["machine"]
    need = memory_need(model.config, torch.float32, WeightFormat(usual))
    memory = about["memory_gb"] * 1e9
    slots = max(0, int((memory - need.weights) * CPU_SHARE) // need.stream)
    capacity = worker_capacity(times, slots, options.max_load)
    name = f"{about['cores']} cores of {about['cpu']}"
    return Server(name, times, capacity, need, memory, "as the record says", 1, usual)
