from __future__ import annotations

import inspect

import pytest

from auricle_server.engine.ops import Ops
from auricle_server.engine.ops.torch_ops import TorchOps

OPERATIONS = [name for name, _ in inspect.getmembers(Ops, inspect.isfunction) if not name.startswith("_")]


def implementations() -> list[type]:
    pytest.importorskip("triton", reason="Triton is not installed")
    from auricle_server.engine.ops.triton_ops import TritonOps

    return [TorchOps, TritonOps]


@pytest.mark.parametrize("name", OPERATIONS)
def test_both_implementations_take_the_same_arguments(name: str) -> None:
    wanted = inspect.signature(getattr(Ops, name))
    for implementation in implementations():
        assert inspect.signature(getattr(implementation, name)) == wanted, implementation


def test_there_are_operations() -> None:
    assert {"attend", "convolve", "joint_scores", "take_labels"} <= set(OPERATIONS)
