"""Silero's network written anew, for batches of windows at 16 kHz.

The file's own graph was traced for both sample rates and one window: some 60 small operations in nested branches, and
convolutions over four frames or fewer, which run as products with four columns. The graph made here has the same
weights in products whose rows are frames: half the time for one window, a third for each of eight.

ONNX is Protocol Buffers (onnx.proto of the ONNX project). Only the few fields that matter are read and written, because
the package `onnx`, which has them all, takes more room than the rest of a gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_FLOAT, _INT64, _INT = 1, 7, 2
"""TensorProto.FLOAT and INT64; AttributeProto.INT."""
_OPSET, _IR_VERSION = 16, 8
_BASIS = "stft.forward_basis_buffer"
_SHAPES: dict[str, tuple[int, ...]] = {
    _BASIS: (258, 1, 256),
    "encoder.0.reparam_conv.weight": (128, 129, 3),
    "encoder.0.reparam_conv.bias": (128,),
    "encoder.1.reparam_conv.weight": (64, 128, 3),
    "encoder.1.reparam_conv.bias": (64,),
    "encoder.2.reparam_conv.weight": (64, 64, 3),
    "encoder.2.reparam_conv.bias": (64,),
    "encoder.3.reparam_conv.weight": (128, 64, 3),
    "encoder.3.reparam_conv.bias": (128,),
    "decoder.rnn.weight_ih": (512, 128),
    "decoder.rnn.weight_hh": (512, 128),
    "decoder.rnn.bias_ih": (512,),
    "decoder.rnn.bias_hh": (512,),
    "decoder.decoder.2.weight": (1, 128, 1),
    "decoder.decoder.2.bias": (1,),
}
"""The weights at 16 kHz, by their names without the branch before them."""

Array = npt.NDArray[Any]


class UnknownNetwork(ValueError):
    """The file holds another network than the one that is known here."""


def rewritten(file: bytes) -> bytes:
    """The network as an ONNX file.

    Its inputs are ``input``, float32 [n, 576], and ``state``, float32 [2, n, 128]; its outputs ``output``, float32
    [n, 1], and ``stateN``, float32 [2, n, 128].

    Args:
        file: Silero's own.

    Raises:
        UnknownNetwork: The file holds another network, or is none.
    """
    return _Graph().build(weights_of(file))


# --- reading ---------------------------------------------------------------------------------------------------------


def weights_of(file: bytes) -> dict[str, Array]:
    """The weights at 16 kHz, by the names in `_SHAPES`.

    Raises:
        UnknownNetwork: As `rewritten`.
    """
    try:
        graphs = [_constants(graph) for graph in _graphs(memoryview(file), 7)]
    except (IndexError, TypeError, ValueError) as error:
        raise UnknownNetwork(f"not an ONNX file: {error}") from error
    for found in graphs:
        if {name: found[name].shape for name in _SHAPES if name in found} == _SHAPES:
            return {name: found[name] for name in _SHAPES}
    raise UnknownNetwork("no part of the file has the weights of Silero VAD 5 at 16 kHz")


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a message: whole numbers, or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _graphs(message: memoryview, number: int) -> Iterator[memoryview]:
    """All graphs in a message, which holds them as its field of that number: the whole, and branches within it."""
    for graph in _all(message, number):
        yield graph
        for node in _all(graph, 1):
            for attribute in _all(node, 5):
                yield from _graphs(attribute, 6)


def _all(message: memoryview, number: int) -> list[Any]:
    return [value for field, value in _fields(message) if field == number]


def _constants(graph: memoryview) -> dict[str, Array]:
    """The constants of float32 in a graph, by their names without what stands before the last ``__``."""
    found = {}
    for node in _all(graph, 1):
        if bytes(*_all(node, 4)) == b"Constant":
            (name,), (attribute,) = _all(node, 2), _all(node, 5)
            for tensor in _all(attribute, 5):
                if _all(tensor, 2) == [_FLOAT]:
                    values = np.frombuffer(b"".join(_all(tensor, 9)), "<f4")
                    found[bytes(name).decode().rpartition("__")[2]] = values.reshape(_all(tensor, 1))
    return found


# --- writing ---------------------------------------------------------------------------------------------------------


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """A message of these fields: numbers as varints, all else with its length."""
    out = []
    for number, value in fields:
        if isinstance(value, int):
            out += [_number(number << 3), _number(value)]
        else:
            data = value.encode() if isinstance(value, str) else value
            out += [_number(number << 3 | 2), _number(len(data)), data]
    return b"".join(out)


def _info(name: str, *dims: int | str) -> bytes:
    """A ValueInfoProto of floats; a dimension is a number or a name."""
    shape = _message(*((1, _message((1 if isinstance(dim, int) else 2, dim))) for dim in dims))
    return _message((1, name), (2, _message((1, _message((1, _FLOAT), (2, shape))))))


class _Graph:
    """Nodes and constants in the order in which they are added; every value is named by its number."""

    def __init__(self) -> None:
        self._fields: list[tuple[int, bytes]] = []
        self._names = 0

    def build(self, weights: dict[str, Array]) -> bytes:
        """The network of these weights as an ONNX file."""
        encoded = self._encode(self._spectrum("input", weights[_BASIS]), weights)
        hidden, state = self._remember(encoded, weights)
        last = weights["decoder.decoder.2.weight"][:, :, 0]
        voice = self._affine(self._op("Relu", hidden), last, weights["decoder.decoder.2.bias"])
        self._op("Sigmoid", voice, out="output")
        self._op("Identity", state, out="stateN")
        ends = [(11, _info("input", "n", 576)), (11, _info("state", 2, "n", 128))]
        ends += [(12, _info("output", "n", 1)), (12, _info("stateN", 2, "n", 128))]
        graph = _message((2, "silero"), *self._fields, *ends)
        return _message((1, _IR_VERSION), (7, graph), (8, _message((1, ""), (2, _OPSET))))

    def _spectrum(self, samples: str, basis: Array) -> str:
        """Magnitudes [n, 4, 129] of four frames of 256 samples every 128; the last one ends with 64 mirrored ones."""
        mirrored = self._op("Gather", samples, self._whole(*range(574, 510, -1)), axis=1)
        blocks = self._op("Reshape", self._op("Concat", samples, mirrored, axis=1), self._whole(-1, 5, 128))
        frames = self._op("Concat", self._slice(blocks, 0, 4), self._slice(blocks, 1, 5), axis=2)
        product = self._op("MatMul", frames, self._constant(basis[:, 0].T))
        real, imaginary = self._split(product, 2, axis=2)
        power = self._op("Add", self._op("Mul", real, real), self._op("Mul", imaginary, imaginary))
        return self._op("Sqrt", power)

    def _encode(self, frames: str, weights: dict[str, Array]) -> str:
        """Four convolutions of three frames; the second and the third take every other one: [n, 128]."""
        kernels = [weights[f"encoder.{layer}.reparam_conv.weight"] for layer in range(4)]
        biases = [weights[f"encoder.{layer}.reparam_conv.bias"] for layer in range(4)]
        padded = self._op("Pad", frames, self._whole(0, 1, 0, 0, 1, 0))
        taps = self._op("Concat", *(self._slice(padded, tap, tap + 4) for tap in range(3)), axis=2)
        first = self._layer(taps, kernels[0], biases[0])
        flat = self._op("Reshape", self._op("Pad", first, self._whole(0, 1, 0, 0, 0, 0)), self._whole(-1, 1, 5 * 128))
        pairs = [self._slice(flat, at, at + 3 * 128, axis=2) for at in (0, 2 * 128)]
        second = self._layer(self._op("Concat", *pairs, axis=1), kernels[1], biases[1])
        # Two frames are left, and then one: what the kernels add before and after them is zero.
        third = self._layer(self._op("Reshape", second, self._whole(-1, 2 * 64)), kernels[2][:, :, 1:], biases[2])
        return self._layer(third, kernels[3][:, :, 1:2], biases[3])

    def _remember(self, encoded: str, weights: dict[str, Array]) -> tuple[str, str]:
        """The recurrent layer, an LSTM: its output [n, 128], and the state [2, n, 128], output and cell."""
        old, cell = (self._op("Squeeze", half, self._whole(0)) for half in self._split("state", 2, axis=0))
        product = np.concatenate([weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]], axis=1)
        bias = weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]
        gates = self._affine(self._op("Concat", encoded, old, axis=1), product, bias)
        take, keep, new, show = self._split(gates, 4, axis=1)
        taken = self._op("Mul", self._op("Sigmoid", take), self._op("Tanh", new))
        cell = self._op("Add", self._op("Mul", self._op("Sigmoid", keep), cell), taken)
        output = self._op("Mul", self._op("Sigmoid", show), self._op("Tanh", cell))
        halves = [self._op("Unsqueeze", half, self._whole(0)) for half in (output, cell)]
        return output, self._op("Concat", *halves, axis=0)

    # --- operations ------------------------------------------------------------------------------------------------

    def _layer(self, taps: str, kernel: Array, bias: Array) -> str:
        """A convolution whose inputs lie side by side, tap by tap, and what is positive of it."""
        return self._op("Relu", self._affine(taps, kernel.transpose(0, 2, 1).reshape(len(kernel), -1), bias))

    def _affine(self, value: str, rows: Array, bias: Array) -> str:
        return self._op("Add", self._op("MatMul", value, self._constant(rows.T)), self._constant(bias))

    def _slice(self, value: str, first: int, end: int, axis: int = 1) -> str:
        return self._op("Slice", value, self._whole(first), self._whole(end), self._whole(axis))

    def _split(self, value: str, parts: int, axis: int) -> list[str]:
        names = [self._name() for _ in range(parts)]
        self._node("Split", [value], names, axis)
        return names

    def _op(self, kind: str, *inputs: str, axis: int | None = None, out: str = "") -> str:
        name = out or self._name()
        self._node(kind, inputs, [name], axis)
        return name

    def _node(self, kind: str, inputs: Iterable[str], outputs: Iterable[str], axis: int | None) -> None:
        attributes = [] if axis is None else [(5, _message((1, "axis"), (3, axis), (20, _INT)))]
        values = [*((1, name) for name in inputs), *((2, name) for name in outputs)]
        self._fields.append((1, _message(*values, (4, kind), *attributes)))

    def _constant(self, values: Array) -> str:
        return self._initializer(np.ascontiguousarray(values, "<f4"), _FLOAT)

    def _whole(self, *values: int) -> str:
        return self._initializer(np.array(values, "<i8"), _INT64)

    def _initializer(self, values: Array, kind: int) -> str:
        name = self._name()
        dims = [(1, dim) for dim in values.shape]
        self._fields.append((5, _message(*dims, (2, kind), (8, name), (9, values.tobytes()))))
        return name

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"
