"""Builds what a worker needs from a configuration: engine, model info and admission."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from auricle_server.checkpoints.progress import Report
from auricle_server.config import ServerConfig
from auricle_server.cures import OFF, parse_cures
from auricle_server.model_info import ModelInfo, public_name
from auricle_server.served_models import ALONE, Placement
from auricle_server.worker.admission import Admission, StepCalibration
from auricle_server.worker.demo_hint import demo_hint
from auricle_server.worker.step_timing import calibrate

if TYPE_CHECKING:
    from auricle_server.engine import Engine

log = logging.getLogger(__name__)

WARM_UP_SECONDS = 5.0
"""After which the start no longer waits for CUDA graphs: the worker makes the others while it has no stream."""


def model_info(engine: Engine, default_latency_ms: int | None = None, name: str = "") -> ModelInfo:
    """Describes an engine's model to gateways.

    Args:
        engine: Has the model.
        default_latency_ms: Chunk latency of clients that name none; None takes the model's own.
        name: That the operator has given to the model; empty for that of its checkpoint.

    Raises:
        ValueError: The model does not offer the latency.
    """
    info = engine.info
    if default_latency_ms is not None and default_latency_ms not in info.latencies_ms:
        offered = ", ".join(map(str, info.latencies_ms))
        raise ValueError(f"default_latency_ms: {info.name} offers {offered}, not {default_latency_ms}")
    latency_ms = default_latency_ms or info.default_latency_ms
    source, demo = public_name(info.name), demo_hint(info.name)
    return replace(info, name=name or source, default_latency_ms=latency_ms, demo=demo, source=source)


def build_engine(config: ServerConfig, placement: Placement = ALONE, report: Report | None = None) -> Engine:
    """Builds the engine that a configuration describes, warmed up.

    Args:
        config: Of the server, for the model.
        placement: Of the worker.
        report: Receives the progress of a download and of unpacking; None logs it.

    Raises:
        CheckpointError: The model does not exist, or this engine cannot run it.
        UnsupportedDtype: The device cannot compute in the precision that the configuration names.
        NoMemoryForModel: The models of the server together need more memory than the device has.
    """
    # Here, because these import PyTorch, which alone takes 1.6 s and 235 MB.
    from auricle_server.checkpoints import load_checkpoint
    from auricle_server.engine import Engine
    from auricle_server.engine.build import Hardware, resolve_device
    from auricle_server.engine.memory import parameter_count
    from auricle_server.engine.threads import default_threads
    from auricle_server.engine.weight_formats import parse_dtype
    from auricle_server.worker.memory_plan import slots_beside, worker_device

    precision = parse_dtype(config.dtype)
    device = worker_device(config, placement.index)
    hardware = Hardware(device, precision.dtype, keyterms=config.limits.keyterms > 0, weights=precision.weights)
    checkpoint = load_checkpoint(config.model, report)
    cures = parse_cures(config.cures)
    if cures is None:
        cures = checkpoint.profile.cures if checkpoint.profile else OFF
    kind = resolve_device(device).type
    workers = config.workers if placement.later is None else placement.machine_workers
    threads = config.threads or default_threads(parameter_count(checkpoint.config), kind, workers)
    slots = config.slots
    if slots is None and placement.later is not None:
        slots = slots_beside(config, checkpoint.config, placement, report)
    engine = Engine(checkpoint, slots=slots, hardware=hardware, threads=threads, cures=cures)
    began = time.monotonic()
    complete = engine.warm_up(WARM_UP_SECONDS)
    log.info("warmed up seconds=%.1f complete=%s", time.monotonic() - began, complete)
    return engine


def build_admission(config: ServerConfig, engine: Engine, calibration: StepCalibration | None = None) -> Admission:
    """Builds the admission to a warm engine without streams.

    Args:
        config: Of the server.
        engine: Its steps are timed.
        calibration: Of the same model on the same device, which takes the place of the timing.
    """
    latencies_ms = engine.info.latencies_ms
    if not config.max_load:
        return Admission(latencies_ms, 0.0)
    return Admission(latencies_ms, config.max_load, calibration or calibrate(engine))
