"""Which shapes there are programs for, and in which order they are captured. Knows no tensors.

A batch is padded to the next larger shape, so many shapes waste little work, and few ones make a short start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FRAMES = (64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
"""Encoder frames of the shapes, all rows together: the rows of their matrix products. Up to a hundred or so, a step of
the published models on an H200 takes the time in which the memory delivers 1.2 GB of weights (arithmetic, docs/gpu.md),
so smaller shapes would save nothing. Of a larger batch at most a third is padding."""
_NEARLY = 0.9
"""A shape of more than this share of the largest one is left out."""


@dataclass(frozen=True, slots=True)
class ProgramShape:
    """A program to capture.

    Attributes:
        frames: Encoder frames of a chunk.
        rows: Rows; a smaller batch is padded.
        terms: Whether it is the program with key terms.
    """

    frames: int
    rows: int
    terms: bool


@dataclass(frozen=True, slots=True)
class CapturedShape:
    """What a shape took to capture.

    Attributes:
        shape: The program.
        seconds: Time, compilation of its kernels included.
        bytes: Device memory that it took in addition.
    """

    shape: ProgramShape
    seconds: float
    bytes: int


def row_counts(frames: int, most: int) -> tuple[int, ...]:
    """Rows of the shapes with chunks of `frames` encoder frames, ascending; the last holds `most` rows.

    All are even. A kernel is compiled once more for addresses that are no multiple of 16 bytes, and the columns of a
    batch, 8 bytes a row, lie one after the other.
    """
    counts = {max(2, step // frames // 2 * 2) for step in FRAMES}
    largest = most + most % 2
    return (*sorted(count for count in counts if count < _NEARLY * largest), largest)


def capture_order(counts: Mapping[int, tuple[int, ...]], terms: bool) -> list[ProgramShape]:
    """All shapes in the order of need: any beginning of the list serves every batch as well as so many shapes can.

    First the largest of each chunk size, without and with key terms, which fits every batch; then the smallest, and
    then what halves the gaps.

    Args:
        counts: Rows of the shapes by chunk size.
        terms: Whether streams may have key terms.
    """
    kinds = (False, True) if terms else (False,)
    orders = {frames: list(_halving(rows)) for frames, rows in counts.items()}
    first = [ProgramShape(frames, order[0], kind) for kind in kinds for frames, order in orders.items()]
    longest = max(map(len, orders.values()), default=0)
    return first + [
        ProgramShape(frames, order[turn], kind)
        for kind in kinds
        for turn in range(1, longest)
        for frames, order in orders.items()
        if turn < len(order)
    ]


def _halving(rows: tuple[int, ...]) -> Iterator[int]:
    """The last, the first, the middle, and so on: breadth first."""
    yield rows[-1]
    if len(rows) > 1:
        yield rows[0]
    gaps = [(0, len(rows) - 1)]
    for low, high in gaps:  # grows while it is read
        middle = (low + high) // 2
        if low < middle:
            yield rows[middle]
            gaps += [(low, middle), (middle, high)]
