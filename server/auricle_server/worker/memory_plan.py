"""How many streams a worker holds where the models of one server share the memory of a device."""

from __future__ import annotations

import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.progress import Report
from auricle_server.config import ServerConfig
from auricle_server.engine.build import Hardware, resolve_device
from auricle_server.engine.memory import MemoryNeed, SharedNeed, free_memory, memory_need, shared_slots
from auricle_server.engine.weight_formats import parse_dtype
from auricle_server.served_models import Placement, ServedModel


class NoMemoryForModel(ValueError):
    """The memory of a device does not hold the models that are to run there; the message says what to do."""


def worker_device(config: ServerConfig, index: int) -> str:
    """The device of a worker: with several workers of a model, each takes a GPU of its own.

    Args:
        config: Of the server, for the model.
        index: Number of the worker among those of the model.
    """
    return f"cuda:{index}" if config.workers > 1 and config.device in ("auto", "cuda") else config.device


def need_of(config: ServerConfig, model: ModelConfig, index: int) -> MemoryNeed:
    """What a worker needs: its weights, and each stream.

    Args:
        config: Of the server, for the model.
        model: The architecture.
        index: As for `worker_device`.
    """
    precision = parse_dtype(config.dtype)
    hardware = Hardware(worker_device(config, index), precision.dtype, weights=precision.weights).resolved()
    assert hardware.dtype is not None, "resolved"
    return memory_need(model, hardware.dtype, hardware.format_for(model))


def slots_beside(
    config: ServerConfig,
    model: ModelConfig,
    placement: Placement,
    report: Report | None = None,
    free: int | None = None,
) -> int:
    """Streams that a worker can hold beside the workers that are loaded after it.

    Args:
        config: Of the server, for the model.
        model: Its architecture.
        placement: Of the worker.
        report: As for `load_checkpoint`.
        free: Bytes that are free on the device; None asks the device.

    Raises:
        CheckpointError: The checkpoint of one that is loaded later cannot be read.
        NoMemoryForModel: Not even one.
    """
    device = _device(config, placement.index)
    own = SharedNeed(need_of(config, model, placement.index), None, placement.share)
    later = [
        _shared_need(config, each, index, report)
        for each, index in placement.later or ()
        if _device(each.config(config), index) == device
    ]
    free = free_memory(device) if free is None else free
    slots = shared_slots(own, later, free, device)
    if not slots:
        weights = sum(each.need.weights for each in (own, *later))
        raise NoMemoryForModel(
            f"memory: {config.model} and the models that are loaded after it need {weights / 1e9:.1f} GB for their "
            f"weights and {own.need.stream / 1e6:.1f} MB for each stream, and {free / 1e9:.1f} GB are free on "
            f"{device}; give models fewer slots, or take one off"
        )
    return slots


def _device(config: ServerConfig, index: int) -> torch.device:
    device = resolve_device(worker_device(config, index))
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


def _shared_need(config: ServerConfig, model: ServedModel, index: int, report: Report | None) -> SharedNeed:
    own = model.config(config)
    return SharedNeed(need_of(own, load_checkpoint(model.source, report).config, index), own.slots, model.share)
