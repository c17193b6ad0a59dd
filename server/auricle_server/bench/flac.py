"""Reads FLAC in plain Python, for machines without libsndfile: what the bundled clips use of it, and no more.

The format is RFC 9639: frames of subframes, each a predictor (none, fixed, or linear) and its Rice-coded residual.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

_FIXED = ((), (1,), (2, -1), (3, -3, 1), (4, -6, 4, -1))
"""Coefficients of the fixed predictors, newest sample first."""
_ESCAPE_BITS = 5


class BadFlac(ValueError):
    """The file is damaged, or uses what this reader does not know."""


class _Bits:
    """Reads big-endian bits off bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bits = "".join(map("{:08b}".format, data))
        self.at = 0

    def __len__(self) -> int:
        return len(self._bits)

    def take(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        if count == 0:
            return 0
        value = int(self._bits[self.at : self.at + count], 2)
        self.at += count
        return value

    def signed(self, count: int) -> int:
        """A two's complement number of `count` bits."""
        value = self.take(count)
        return value - (1 << count) if count and value >> (count - 1) else value

    def unary(self) -> int:
        """Zeros before the next one; the one is read too."""
        end = self._bits.index("1", self.at)
        zeros, self.at = end - self.at, end + 1
        return zeros

    def align(self) -> None:
        """Goes on to the next whole byte."""
        self.at += -self.at % 8


def read_flac(path: Path) -> npt.NDArray[np.int16]:
    """Samples of a mono file of 16 bits.

    Raises:
        BadFlac: It is not such a file, or damaged.
    """
    data = path.read_bytes()
    if data[:4] != b"fLaC":
        raise BadFlac(f"{path} is not a FLAC file")
    start, total = _metadata(data, path)
    bits = _Bits(data[start:])
    samples: list[int] = []
    try:
        while len(samples) < total:
            samples += _frame(bits)
    except (ValueError, IndexError) as error:
        raise BadFlac(f"{path}: {error} at sample {len(samples)}") from error
    return np.array(samples, np.int16)


def _metadata(data: bytes, path: Path) -> tuple[int, int]:
    """Where the frames begin, and how many samples there are."""
    at, last, total = 4, False, 0
    while not last:
        last, kind = bool(data[at] >> 7), data[at] & 0x7F
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        if kind == 0:
            facts = int.from_bytes(data[at + 14 : at + 22], "big")
            channels, depth, total = (facts >> 41 & 7) + 1, (facts >> 36 & 31) + 1, facts & (1 << 36) - 1
            if (channels, depth) != (1, 16):
                raise BadFlac(f"{path} has {channels} channels of {depth} bits; this reader knows mono of 16 bits")
        at += 4 + size
    return at, total


def _frame(bits: _Bits) -> list[int]:
    if bits.take(15) != 0b111111111111100:
        raise BadFlac("a frame does not begin where it should")
    bits.take(1)
    size, rate = bits.take(4), bits.take(4)
    bits.take(8)  # channels, depth, a reserved bit
    for _ in range(max(0, _leading_ones(bits.take(8)) - 1)):
        bits.take(8)  # the rest of the frame's number
    count = _block_size(bits, size)
    bits.take({12: 8, 13: 16, 14: 16}.get(rate, 0) + 8)  # the rate, where it is spelt out, and the header's checksum
    samples = _subframe(bits, count)
    bits.align()
    bits.take(16)
    return samples


def _leading_ones(byte: int) -> int:
    return 8 - (byte ^ 0xFF).bit_length()


def _block_size(bits: _Bits, code: int) -> int:
    if code == 1:
        return 192
    if 2 <= code <= 5:
        return 144 << code
    if code in (6, 7):
        return bits.take(8 if code == 6 else 16) + 1
    return 1 << code


def _subframe(bits: _Bits, count: int) -> list[int]:
    bits.take(1)
    kind, wasted = bits.take(6), 0
    if bits.take(1):
        wasted = bits.unary() + 1
    depth = 16 - wasted
    if kind == 0:
        samples = [bits.signed(depth)] * count
    elif kind == 1:
        samples = [bits.signed(depth) for _ in range(count)]
    elif 8 <= kind <= 12:
        samples = _predict(bits, count, [bits.signed(depth) for _ in range(kind - 8)], _FIXED[kind - 8], 0)
    elif kind >= 32:
        warm_up = [bits.signed(depth) for _ in range(kind - 31)]
        precision, shift = bits.take(4) + 1, bits.signed(5)
        samples = _predict(bits, count, warm_up, tuple(bits.signed(precision) for _ in warm_up), shift)
    else:
        raise BadFlac(f"unknown subframe {kind}")
    return [sample << wasted for sample in samples]


def _predict(bits: _Bits, count: int, samples: list[int], coefficients: tuple[int, ...], shift: int) -> list[int]:
    """Adds the residual to what the last samples foretell."""
    order = len(coefficients)
    oldest_first = coefficients[::-1]
    for residual in _residual(bits, count, order):
        past = samples[len(samples) - order :]
        samples.append(residual + (sum(map(int.__mul__, oldest_first, past)) >> shift))
    return samples


def _residual(bits: _Bits, count: int, order: int) -> list[int]:
    width = 4 + bits.take(2)
    partitions = 1 << bits.take(4)
    out: list[int] = []
    for index in range(partitions):
        size = count // partitions - (order if index == 0 else 0)
        out += _partition(bits, size, width)
    return out


def _partition(bits: _Bits, size: int, width: int) -> list[int]:
    parameter = bits.take(width)
    if parameter == (1 << width) - 1:
        raw = bits.take(_ESCAPE_BITS)
        return [bits.signed(raw) for _ in range(size)]
    out = []
    for _ in range(size):
        folded = bits.unary() << parameter | bits.take(parameter)
        out.append(folded >> 1 ^ -(folded & 1))
    return out
