"""Triton kernels where there is no GPU: run by Triton's interpreter, or compiled for one without being run."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from auricle_server.engine.ops import kernels

HOPPER = 90


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a kernel became."""

    name: str
    ptx: str
    registers: int
    spilled_bytes: int
    shared_bytes: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.threads} threads of {self.registers} registers, {self.shared_bytes} bytes shared, "
            f"{self.spilled_bytes} bytes spilled"
        )


@contextmanager
def interpreted(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our kernels, and Triton's own functions that they call, run in Python on CPU tensors.

    Triton chooses its interpreter when a kernel is defined (``TRITON_INTERPRET``); here what is defined already is
    replaced for a while, so that the order in which tests import modules does not matter.
    """
    import triton.language as tl
    from triton.experimental.gluon import language as _gluon  # noqa: F401 - it must not see the replaced functions
    from triton.runtime import interpreter, jit

    language = tl, tl.core, tl.math, tl.standard, tl.tensor, tl.dtype, tl.core.tensor_descriptor_base
    with patch.context() as scope, _restored(*language):
        for module in (*_kernel_modules(), tl, tl.core, tl.math, tl.standard):
            for name, value in list(vars(module).items()):
                if isinstance(value, jit.JITFunction):
                    scope.setattr(module, name, interpreter.InterpretedFunction(value.fn))
        _widen_dot_operands(scope, interpreter)
        _round_fp8(scope, interpreter)
        yield


@contextmanager
def _restored(*namespaces: Any) -> Iterator[None]:
    """Puts attributes of modules and classes back: the interpreter replaces them and forgets some."""
    before = [(namespace, dict(vars(namespace))) for namespace in namespaces]
    try:
        yield
    finally:
        for namespace, attributes in before:
            if isinstance(namespace, type):  # a module keeps what its rewritten functions were given
                for name in set(vars(namespace)) - set(attributes):
                    delattr(namespace, name)
            for name, value in attributes.items():
                if vars(namespace)[name] is not value:
                    setattr(namespace, name, value)


def _widen_dot_operands(scope: pytest.MonkeyPatch, interpreter: Any) -> None:
    """The interpreter keeps bf16 as the bits of an integer and multiplies those; here it multiplies their values."""
    import triton.language as tl

    dot = interpreter.InterpreterBuilder.create_dot

    def wide(operand: Any) -> Any:
        if operand.dtype.scalar != tl.bfloat16:
            return operand
        values = (operand.data.astype(np.uint32) << 16).view(np.float32)
        return interpreter.TensorHandle(values, tl.float32)

    def create_dot(builder: Any, a: Any, b: Any, *rest: Any) -> Any:
        return dot(builder, wide(a), wide(b), *rest)

    scope.setattr(interpreter.InterpreterBuilder, "create_dot", create_dot)


def _round_fp8(scope: pytest.MonkeyPatch, interpreter: Any) -> None:
    """The interpreter loses the carry when it rounds to FP8, and reads FP8 as bf16 wrongly; here PyTorch converts."""
    import triton.language as tl

    convert = interpreter._convert_float

    def converted(values: Any, source: Any, target: Any, rounding: Any) -> Any:
        if tl.float8e4nv not in (source, target):
            return convert(values, source, target, rounding)
        formats = {tl.float8e4nv: torch.float8_e4m3fn, tl.bfloat16: torch.bfloat16, tl.float32: torch.float32}
        given = torch.from_numpy(np.ascontiguousarray(values)).view(formats[source])
        bits = torch.uint8 if target == tl.float8e4nv else torch.uint16 if target == tl.bfloat16 else torch.float32
        return given.to(formats[target]).view(bits).numpy().reshape(values.shape)

    scope.setattr(interpreter, "_convert_float", converted)


@contextmanager
def compiled_for(capability: int, patch: pytest.MonkeyPatch) -> Iterator[list[Compiled]]:
    """Launches only compile, for an NVIDIA GPU of that capability; yields what they compiled."""
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver, jit

    launch, done = jit.JITFunction.run, list[Compiled]()

    def compile_only(function: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> None:
        done.append(_resources(launch(function, *args, grid=grid, warmup=True, **options)))

    no_device = SimpleNamespace(
        get_current_device=lambda: -1,  # a cache of its own, beside that of a real device
        get_current_stream=lambda _device: 0,
        get_current_target=lambda: GPUTarget("cuda", capability, 32),
    )
    with patch.context() as scope:
        scope.setattr(driver, "_active", no_device)
        scope.setattr(jit.JITFunction, "run", compile_only)
        yield done


def _resources(compiled: Any) -> Compiled:
    """Reads the resources of a compiled kernel from its binary."""
    from triton.backends import nvidia

    tool = Path(nvidia.__path__[0]) / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        listing = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", listing)
    assert found, listing
    return Compiled(
        compiled.metadata.name,
        compiled.asm["ptx"],
        registers=int(found[1]),
        spilled_bytes=int(found[2]),
        shared_bytes=compiled.metadata.shared,
        threads=32 * compiled.metadata.num_warps,
    )


def device_of_kernels() -> torch.device:
    """Where the kernels' tests run: on the GPU where there is one, else interpreted on the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _kernel_modules() -> list[ModuleType]:
    return [
        importlib.import_module(f"{kernels.__name__}.{module.name}")
        for module in pkgutil.iter_modules(kernels.__path__)
    ]
