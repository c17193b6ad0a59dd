"""What travels between a gateway and a worker: one `ToWorker` and one `FromWorker` message per tick, for all streams.

A stream's number is unique for the life of its gateway and never used twice, so it is the identity of the lease:
a result for a stream that has gone finds nobody, and a reused slot cannot receive its predecessor's words.
"""

from __future__ import annotations

import msgspec

SAMPLE_RATE = 16_000
"""Samples per second of all audio between gateway and worker, and of every audio position."""


class ModelInfo(msgspec.Struct, frozen=True, tag=True):
    """What a gateway must know of the worker's model.

    Attributes:
        name: Model name as users give it.
        pieces: Token strings by id, blank excluded; U+2581 marks the start of a word.
        latencies_ms: Chunk latencies offered, ascending.
        default_latency_ms: Taken when a client names none.
        languages: Codes offered, ``"auto"`` included where the model has it.
        default_language: Taken when a client names none.
        frame_seconds: Length of an encoder frame.
        slots: Streams that the worker can hold.
    """

    name: str
    pieces: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    default_latency_ms: int
    languages: tuple[str, ...]
    default_language: str
    frame_seconds: float
    slots: int


# --- gateway to worker -----------------------------------------------------------------------------------------------


class OpenStream(msgspec.Struct, frozen=True, tag=True):
    """Takes a slot; answered by `StreamOpened`, or by `StreamFailed` when none is free."""

    stream: int
    latency_ms: int
    language: str


class Audio(msgspec.Struct, frozen=True, tag=True):
    """New audio of a stream: 16 kHz mono, little-endian signed 16 bit."""

    stream: int
    pcm: bytes


class ChangeStream(msgspec.Struct, frozen=True, tag=True):
    """Settings from the next chunk on; None leaves one as it is."""

    stream: int
    latency_ms: int | None = None
    language: str | None = None


class FlushStream(msgspec.Struct, frozen=True, tag=True):
    """Decode all audio sent so far, the ragged tail included, and answer with a `ChunkResult` carrying `mark`.

    With `last` the stream is over and its slot is given back.
    """

    stream: int
    mark: int
    last: bool = False


class CloseStream(msgspec.Struct, frozen=True, tag=True):
    """Drop the stream and what is left of its audio; give the slot back."""

    stream: int


GatewayItem = OpenStream | Audio | ChangeStream | FlushStream | CloseStream


class ToWorker(msgspec.Struct, frozen=True, tag=True):
    """All that a gateway has for the worker at one tick, in order."""

    items: tuple[GatewayItem, ...]


# --- worker to gateway -----------------------------------------------------------------------------------------------


class StreamOpened(msgspec.Struct, frozen=True, tag=True):
    """The stream has its slot. Several gateways share a worker, so none can know without asking."""

    stream: int


class ChunkResult(msgspec.Struct, frozen=True, tag=True):
    """What one chunk of one stream brought.

    Attributes:
        stream: Whose.
        samples: Audio position at 16 kHz on which the result rests (samples of the stream consumed so far).
        tokens: New token ids.
        frames: Absolute encoder frame of each token's emission.
        probabilities: Softmax probability of each token.
        mark: The `FlushStream.mark` that this answers, else None.
    """

    stream: int
    samples: int
    tokens: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    mark: int | None = None


class StreamFailed(msgspec.Struct, frozen=True, tag=True):
    """The worker has dropped the stream.

    Attributes:
        stream: Whose.
        code: A code of `auricle.protocol.codes`.
        message: A sentence that a person can act on.
    """

    stream: int
    code: str
    message: str


class WorkerStats(msgspec.Struct, frozen=True, tag=True):
    """Gauges for `/metrics`, sent now and then.

    Attributes:
        slots_used: Slots leased now.
        steps: Engine steps since start.
        rows: Chunk rows computed since start.
        step_seconds: Durations of the steps since the last message, seconds.
        batch_sizes: Rows of the same steps.
    """

    slots_used: int
    steps: int
    rows: int
    step_seconds: tuple[float, ...]
    batch_sizes: tuple[int, ...]


WorkerItem = StreamOpened | ChunkResult | StreamFailed | WorkerStats | ModelInfo


class FromWorker(msgspec.Struct, frozen=True, tag=True):
    """All that the worker has for one gateway after one tick, in order."""

    items: tuple[WorkerItem, ...]
