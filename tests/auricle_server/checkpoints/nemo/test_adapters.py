"""Which adapters of a configuration run, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.nemo.adapters import AdapterConfig, adapters_of

LINEAR = {
    "_target_": "nemo.collections.common.parts.adapter_modules.LinearAdapter",
    "adapter_strategy": {"_target_": "nemo.core.classes.mixins.adapter_mixin_strategies.ResidualAddAdapterStrategy"},
    "in_features": 64,
    "dim": 8,
}


def found(*, modules: dict[str, str] | None = None, **adapters: Any) -> tuple[AdapterConfig, ...]:
    meta = {"adapter_meta_cfg": {"modules": modules or {}}}
    return adapters_of({"adapters": {"global_cfg": meta, **adapters}}, 64)


def test_adapters_are_read_in_their_order() -> None:
    assert adapters_of({}, 64) == adapters_of({"adapters": None}, 64) == ()
    assert found(
        b=LINEAR | {"activation": "relu", "norm_position": "post", "enabled": True},
        a=LINEAR,
        c=LINEAR | {"enabled": False, "dim": None},
        modules={"b": "encoder", "a": "", "c": "decoder"},
    ) == (AdapterConfig("b", 8, "relu", False), AdapterConfig("a", 8), AdapterConfig("c", 0, enabled=False))


@pytest.mark.parametrize(
    ("change", "modules", "said"),
    [
        ({"_target_": "nemo.RelPositionMultiHeadAttentionAdapter"}, {}, r"adapters\.a\._target_ .*LinearAdapter"),
        ({"adapter_strategy": {"_target_": "x.ReturnResultAdapterStrategy"}}, {}, r"adapters\.a\.adapter_strategy"),
        ({}, {"a": "decoder"}, r"modules\.a is 'decoder'"),
        ({}, {"a": "joint"}, r"modules\.a is 'joint'"),
        ({"activation": "mish"}, {}, r"adapters\.a\.activation is 'mish'"),
        ({"norm_position": "both"}, {}, r"adapters\.a\.norm_position"),
        ({"in_features": 32}, {}, r"adapters\.a\.in_features is 32"),
    ],
)
def test_one_that_cannot_run_is_refused_by_its_key(change: dict[str, Any], modules: dict[str, str], said: str) -> None:
    with pytest.raises(UnsupportedModel, match=said):
        found(a=LINEAR | change, modules=modules)
    assert not found(a=LINEAR | change | {"enabled": False}, modules=modules)[0].enabled


def test_a_width_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadCheckpoint, match=r"adapters\.a\.dim"):
        found(a=LINEAR | {"dim": 0})
