"""Columns on the link: bulk data of many streams as little-endian bytes, which numpy views without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

INT16, INT32, INT64, FLOAT32 = np.dtype("<i2"), np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f4")
BOOL = np.dtype("?")
NO_MARK = -1
"""In `ResultColumns.marks`: the result answers no flush."""
_SAMPLE_BYTES = 2

Array = npt.NDArray[Any]
"""One-dimensional; its type is said where it is named."""


class BadColumns(ValueError):
    """Columns whose lengths do not fit together."""


class ChunkResult(msgspec.Struct, frozen=True, gc=False):
    """What one chunk of one stream brought.

    Attributes:
        stream: Whose.
        samples: Audio position at 16 kHz on which the result rests (samples of the stream consumed so far).
        tokens: New token ids.
        frames: Absolute encoder frame of each token's emission.
        probabilities: Softmax probability of each token.
        confidences: Confidence of each token by entropy, 0 to 1.
        mark: The `FlushStream.mark` that this answers, else None.
        refined: Whether the stream's second lane found it.
    """

    stream: int
    samples: int
    tokens: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()
    mark: int | None = None
    refined: bool = False


class AudioColumns(msgspec.Struct, frozen=True, array_like=True):
    """New audio of n streams.

    Attributes:
        slots: int32 [n], each at most once.
        leases: int64 [n].
        lengths: int32 [n], samples of each.
        pcm: int16 [sum(lengths)], 16 kHz mono, one stream after the other.
    """

    slots: bytes = b""
    leases: bytes = b""
    lengths: bytes = b""
    pcm: bytes = b""

    @staticmethod
    def of(slots: list[int], leases: list[int], pcm: list[bytes]) -> AudioColumns:
        """Columns of these entries; `pcm` holds whole samples."""
        return AudioColumns(
            np.array(slots, INT32).tobytes(),
            np.array(leases, INT64).tobytes(),
            np.array([len(piece) // _SAMPLE_BYTES for piece in pcm], INT32).tobytes(),
            b"".join(pcm),
        )

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """Views of slots, leases, lengths and pcm.

        Raises:
            BadColumns: The lengths do not fit.
        """
        slots, leases = _view(self.slots, INT32), _view(self.leases, INT64)
        lengths, pcm = _view(self.lengths, INT32), _view(self.pcm, INT16)
        if not len(slots) == len(leases) == len(lengths) or int(lengths.sum()) != len(pcm):
            raise BadColumns(f"{len(slots)} slots, {len(leases)} leases, {len(lengths)} lengths, {len(pcm)} samples")
        return slots, leases, lengths, pcm


NO_AUDIO = AudioColumns()


class ResultColumns(msgspec.Struct, frozen=True, array_like=True):
    """What a step brought to n streams of one gateway; a stream may have several rows, in order.

    Attributes:
        streams: int64 [n].
        samples: int64 [n], as in `ChunkResult`.
        counts: int32 [n], tokens of each row.
        marks: int64 [n], or `NO_MARK`.
        tokens: int32 [sum(counts)], row after row.
        frames: int32, likewise.
        probabilities: float32, likewise.
        confidences: float32, likewise.
        refined: bool [n], as in `ChunkResult`; empty where no row is of a second lane.
    """

    streams: bytes
    samples: bytes
    counts: bytes
    marks: bytes
    tokens: bytes
    frames: bytes
    probabilities: bytes
    confidences: bytes
    refined: bytes = b""

    @staticmethod
    def of(
        streams: Array,
        samples: Array,
        counts: Array,
        marks: Array,
        tokens: Array,
        frames: Array,
        probabilities: Array,
        confidences: Array,
        refined: Array | None = None,
    ) -> ResultColumns:
        """The bytes of these arrays, whatever their integer or float types; None where no row is of a second lane."""
        return ResultColumns(
            _bytes(streams, INT64),
            _bytes(samples, INT64),
            _bytes(counts, INT32),
            _bytes(marks, INT64),
            _bytes(tokens, INT32),
            _bytes(frames, INT32),
            _bytes(probabilities, FLOAT32),
            _bytes(confidences, FLOAT32),
            b"" if refined is None else _bytes(refined, BOOL),
        )

    def rows(self) -> Iterator[ChunkResult]:
        """The results one by one.

        Raises:
            BadColumns: The lengths do not fit.
        """
        streams, samples = _view(self.streams, INT64).tolist(), _view(self.samples, INT64).tolist()
        counts, marks = _view(self.counts, INT32).tolist(), _view(self.marks, INT64).tolist()
        tokens, frames = _view(self.tokens, INT32).tolist(), _view(self.frames, INT32).tolist()
        probabilities = _view(self.probabilities, FLOAT32).tolist()
        confidences = _view(self.confidences, FLOAT32).tolist()
        refined = _view(self.refined, BOOL).tolist() if self.refined else [False] * len(streams)
        fit = len(streams) == len(samples) == len(counts) == len(marks) == len(refined)
        if not fit or not sum(counts) == len(tokens) == len(frames) == len(probabilities) == len(confidences):
            raise BadColumns(f"{len(streams)} streams, {sum(counts)} tokens counted, {len(tokens)} tokens")
        return _rows(streams, samples, counts, marks, refined, tokens, frames, probabilities, confidences)


def _rows(
    streams: list[int],
    samples: list[int],
    counts: list[int],
    marks: list[int],
    refined: list[bool],
    tokens: list[int],
    frames: list[int],
    probabilities: list[float],
    confidences: list[float],
) -> Iterator[ChunkResult]:
    end = 0
    for stream, position, count, mark, second in zip(streams, samples, counts, marks, refined, strict=True):
        answers = None if mark == NO_MARK else mark
        if not count:
            yield ChunkResult(stream, position, mark=answers, refined=second)
            continue
        start, end = end, end + count
        yield ChunkResult(
            stream,
            position,
            tuple(tokens[start:end]),
            tuple(frames[start:end]),
            tuple(probabilities[start:end]),
            tuple(confidences[start:end]),
            answers,
            second,
        )


def _bytes(column: Array, type_: np.dtype[Any]) -> bytes:
    return column.astype(type_, copy=False).tobytes()


def _view(data: bytes, type_: np.dtype[Any]) -> Array:
    if len(data) % type_.itemsize:
        raise BadColumns(f"{len(data)} bytes are no whole number of {type_}")
    return np.frombuffer(data, type_)
