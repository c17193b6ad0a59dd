"""Bulk data of many streams as columns of little-endian bytes, which numpy views without a copy.

A message per stream would cost MessagePack and Python some microseconds for each of thousands of streams in every tick;
a column costs the same however many streams there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch

INT16, INT32, INT64, FLOAT32 = np.dtype("<i2"), np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f4")
BOOL = np.dtype("?")
NO_MARK = -1
"""In `ResultBatch.marks`: the result answers no flush."""
_SAMPLE_BYTES = 2

Array = npt.NDArray[Any]
"""One-dimensional; its type is given where it is named."""


class BadColumns(ValueError):
    """Columns whose lengths do not fit together."""


class ChunkResult(msgspec.Struct, frozen=True, gc=False):
    """The result of one chunk of one stream.

    Excluded from garbage collection (`gc=False`): it holds no reference cycles, and a gateway makes thousands a second.

    Attributes:
        stream: Number of the stream on its gateway.
        samples: Audio position at 16 kHz on which the result rests (samples of the stream consumed so far).
        tokens: New token ids.
        frames: Absolute encoder frame of each token's emission.
        probabilities: Softmax probability of each token.
        confidences: Confidence of each token by entropy, 0 to 1.
        mark: The `FlushStream.mark` that this answers, else None.
        refined: Whether the stream's second pass has found it.
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
    """An `AudioBatch` as it travels: the bytes of its columns.

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
        """Columns of these entries.

        Args:
            slots: Of each stream.
            leases: Of each stream.
            pcm: Whole samples of each stream, 16 bits.
        """
        return AudioColumns(
            np.array(slots, INT32).tobytes(),
            np.array(leases, INT64).tobytes(),
            np.array([len(piece) // _SAMPLE_BYTES for piece in pcm], INT32).tobytes(),
            b"".join(pcm),
        )

    def batch(self) -> AudioBatch:
        """The columns as arrays: views, not copies.

        Raises:
            BadColumns: The lengths do not fit.
        """
        slots, leases = _view(self.slots, INT32), _view(self.leases, INT64)
        lengths, pcm = _view(self.lengths, INT32), _view(self.pcm, INT16)
        if not len(slots) == len(leases) == len(lengths) or int(lengths.sum()) != len(pcm):
            raise BadColumns(f"{len(slots)} slots, {len(leases)} leases, {len(lengths)} lengths, {len(pcm)} samples")
        return AudioBatch(slots, leases, lengths, pcm)


NO_AUDIO = AudioColumns()


@dataclass(frozen=True, slots=True)
class ResultBatch:
    """Results of one step for n streams of one gateway; a stream may have several rows, in order.

    Attributes:
        streams: Number of each row's stream on its gateway, [n].
        samples: As in `ChunkResult`, [n].
        counts: Tokens of each row, [n].
        marks: The flush that each row answers, or `NO_MARK`, [n].
        tokens: Token ids, row after row, [sum(counts)].
        frames: As in `ChunkResult`, [sum(counts)].
        probabilities: Likewise.
        confidences: Likewise.
        refined: Which rows are of a second pass, [n]; None where none is.
    """

    streams: Array
    samples: Array
    counts: Array
    marks: Array
    tokens: Array
    frames: Array
    probabilities: Array
    confidences: Array
    refined: Array | None = None


class ResultColumns(msgspec.Struct, frozen=True, array_like=True):
    """A `ResultBatch` as it travels: the bytes of its columns.

    Attributes:
        streams: int64 [n].
        samples: int64 [n].
        counts: int32 [n].
        marks: int64 [n].
        tokens: int32 [sum(counts)].
        frames: int32 [sum(counts)].
        probabilities: float32 [sum(counts)].
        confidences: float32 [sum(counts)].
        refined: bool [n]; empty where no row is of a second pass.
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
    def of(batch: ResultBatch) -> ResultColumns:
        """The bytes of these arrays, whatever their integer or float types."""
        return ResultColumns(
            streams=_bytes(batch.streams, INT64),
            samples=_bytes(batch.samples, INT64),
            counts=_bytes(batch.counts, INT32),
            marks=_bytes(batch.marks, INT64),
            tokens=_bytes(batch.tokens, INT32),
            frames=_bytes(batch.frames, INT32),
            probabilities=_bytes(batch.probabilities, FLOAT32),
            confidences=_bytes(batch.confidences, FLOAT32),
            refined=b"" if batch.refined is None else _bytes(batch.refined, BOOL),
        )

    def rows(self) -> list[ChunkResult]:
        """The results one by one.

        Raises:
            BadColumns: The lengths do not fit.
        """
        # `tolist` makes Python numbers of a whole column at once, some ten times as fast as one by one.
        streams, samples = _view(self.streams, INT64).tolist(), _view(self.samples, INT64).tolist()
        counts, marks = _view(self.counts, INT32).tolist(), _view(self.marks, INT64).tolist()
        tokens, frames = _view(self.tokens, INT32).tolist(), _view(self.frames, INT32).tolist()
        probabilities = _view(self.probabilities, FLOAT32).tolist()
        confidences = _view(self.confidences, FLOAT32).tolist()
        refined = _view(self.refined, BOOL).tolist() if self.refined else [False] * len(streams)
        fit = len(streams) == len(samples) == len(counts) == len(marks) == len(refined)
        if not fit or not sum(counts) == len(tokens) == len(frames) == len(probabilities) == len(confidences):
            raise BadColumns(f"{len(streams)} streams, {sum(counts)} tokens counted, {len(tokens)} tokens")
        results: list[ChunkResult] = []
        end = 0
        for stream, position, count, mark, second in zip(streams, samples, counts, marks, refined, strict=True):
            answered = None if mark == NO_MARK else mark
            if not count:  # most chunks bring no token
                results.append(ChunkResult(stream, position, mark=answered, refined=second))
                continue
            start, end = end, end + count
            results.append(
                ChunkResult(
                    stream,
                    position,
                    tuple(tokens[start:end]),
                    tuple(frames[start:end]),
                    tuple(probabilities[start:end]),
                    tuple(confidences[start:end]),
                    answered,
                    second,
                )
            )
        return results


def _bytes(column: Array, dtype: np.dtype[Any]) -> bytes:
    return column.astype(dtype, copy=False).tobytes()


def _view(data: bytes, dtype: np.dtype[Any]) -> Array:
    if len(data) % dtype.itemsize:
        raise BadColumns(f"{len(data)} bytes are no whole number of {dtype}")
    return np.frombuffer(data, dtype)
