"""The adapters of a fine-tuned model, as NeMo's configuration lists them. Loads no tensor library.

An adapter is a small network that is trained beside a frozen model (Houlsby et al., "Parameter-efficient transfer
learning", 2019). NeMo adds it to what each block of the encoder gives (`nemo.collections.common.parts.adapter_modules`,
``LinearAdapter``), and lists it under ``adapters``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auricle_server.checkpoints.parsing import bounds
from auricle_server.checkpoints.section import Section

ACTIVATIONS = ("swish", "silu", "relu", "gelu", "selu", "hardtanh", "identity")
_GLOBAL = "global_cfg"
_IN_ENCODER = ("", "encoder")
"""NeMo's names of the module of an encoder's adapter; the first is its default."""


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """A linear adapter in each block of the encoder.

    Attributes:
        name: Its name, a part of its parameters' names.
        dim: Width inside.
        activation: One of `ACTIVATIONS`.
        norm_first: Whether its layer norm comes first; otherwise it comes last.
        enabled: Whether it takes part; NeMo keeps the parameters of one that does not.
    """

    name: str
    dim: int
    activation: str = "swish"
    norm_first: bool = True
    enabled: bool = True


def adapters_of(raw: Mapping[str, Any], d_model: int) -> tuple[AdapterConfig, ...]:
    """The adapters in a configuration tree, in the order in which they follow one another.

    Args:
        raw: NeMo's tree.
        d_model: Width of the encoder.

    Raises:
        UnsupportedModel: One that is enabled is of a kind, or in a module, that the engine does not compute.
        BadCheckpoint: One of its values is missing or cannot be.
    """
    section = Section("", raw).optional("adapters")
    modules = section.optional(_GLOBAL).optional("adapter_meta_cfg").optional("modules")
    names = [str(name) for name, _ in section.items() if name != _GLOBAL]
    return tuple(_adapter(name, section.inner(name), modules, d_model) for name in names)


def _adapter(name: str, section: Section, modules: Section, d_model: int) -> AdapterConfig:
    if not section.flag("enabled", True):
        return AdapterConfig(name, 0, enabled=False)
    kind = str(section.find("_target_", "LinearAdapter")).rpartition(".")[2]
    if kind != "LinearAdapter":
        section.refuse("_target_", kind, "the engine computes adapters of class LinearAdapter")
    strategy = section.optional("adapter_strategy")
    how = str(strategy.find("_target_", "ResidualAddAdapterStrategy")).rpartition(".")[2]
    if how != "ResidualAddAdapterStrategy":
        strategy.refuse("_target_", how, "the engine adds an adapter's output to its input")
    module = modules.find(name, "")
    if module not in _IN_ENCODER:
        modules.refuse(
            name, module, "the engine computes adapters of the encoder; disable this one, or train without it"
        )
    section.expect("in_features", (d_model, None), why=f"its encoder has a width of {d_model}")
    section.expect("activation", ACTIVATIONS, default="swish")
    section.expect("norm_position", ("pre", "post"), default="pre")
    return AdapterConfig(
        name,
        section.integer("dim", bounds.WIDTH),
        section.find("activation", "swish"),
        section.find("norm_position", "pre") == "pre",
    )
