"""What a machine can hold of a model, before the model is there."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.dtypes import FLOAT32
from auricle_server.engine.build import Hardware, resolve_device
from auricle_server.engine.memory import MemoryNeed, free_memory, memory_need


@dataclass(frozen=True, slots=True)
class MemoryFit:
    """A model beside the memory of the device on which it would run.

    Attributes:
        need: What it takes.
        free: Bytes that are free there.
        device: The device.
        precision: Of its weights, as `--dtype` names it.
    """

    need: MemoryNeed
    free: int
    device: torch.device
    precision: str

    @property
    def streams(self) -> int:
        """How many streams fit beside the weights; 0 where the weights alone are too many."""
        return self.need.streams(self.free, self.device)


def memory_fit(config: ModelConfig, freed: int = 0) -> MemoryFit:
    """A model of this architecture, with the settings that suit this machine.

    Args:
        config: The architecture.
        freed: Bytes that are taken now and would be free by then.
    """
    hardware, device = Hardware().resolved(), resolve_device("auto")
    assert hardware.dtype is not None, "resolved"
    weights = hardware.format_for(config)
    plain = str(hardware.dtype).removeprefix("torch.")
    precision = plain if weights == FLOAT32 else str(weights)
    need = memory_need(config, hardware.dtype, weights)
    return MemoryFit(need, free_memory(device) + freed, device, precision)
