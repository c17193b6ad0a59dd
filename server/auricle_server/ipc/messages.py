"""What travels between a gateway and a worker: one `ToWorker` and one `FromWorker` message per tick, for all streams.

Audio and results travel in columns (see `auricle_server.ipc.columns`), everything else, which is rare, as items. A
stream's number is unique for the life of its gateway and never used twice, and so is a lease for the life of its
worker: a result for a stream that has gone finds nobody, and audio for a slot's last tenant does not reach its next.
"""

from __future__ import annotations

import msgspec

from auricle_server.ipc.columns import NO_AUDIO, AudioColumns, ResultColumns
from auricle_server.text.calibration import RAW, WordCalibration

SAMPLE_RATE = 16_000
"""Samples per second of all audio between gateway and worker, and of every audio position."""
CAUGHT_UP = 0
"""Mark of the answers to `FlushSecond`; no `FlushStream` has it."""


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
        lookahead_seconds: Audio beyond the start of its last frame that a chunk rests on.
        words: Makes word times and confidences of frames and tokens.
    """

    name: str
    pieces: tuple[str, ...]
    latencies_ms: tuple[int, ...]
    default_latency_ms: int
    languages: tuple[str, ...]
    default_language: str
    frame_seconds: float
    slots: int
    lookahead_seconds: float = 0.0
    words: WordCalibration = RAW


# --- gateway to worker -----------------------------------------------------------------------------------------------


class OpenStream(msgspec.Struct, frozen=True, tag=True):
    """Takes a slot for a stream of this latency; answered by `StreamOpened`, or by `StreamFailure` when none fits."""

    stream: int
    latency_ms: int
    language: str


class ChangeStream(msgspec.Struct, frozen=True, tag=True):
    """Settings from the next chunk on; None leaves one as it is.

    With `refine` other than ``"off"`` the stream gets a second lane, which hears the same audio at the model's longest
    latency: ``"on"`` for as long as it wants, ``"auto"`` while the worker has time to spare. `RefineChanged` tells when
    it is there. A stream that runs at that latency anyway gets none.

    When the worker has no time left for what is asked, a stream that is `starting` has failed; one that is under way
    goes on as it was and is told by `ChangeRefused`.

    Nobody listens to an `offline` stream live: it gets the model's longest latency and the time that others leave.
    """

    stream: int
    latency_ms: int | None = None
    language: str | None = None
    refine: str | None = None
    starting: bool = False
    offline: bool = False
    keyterms: tuple[str, ...] | None = None


class FlushStream(msgspec.Struct, frozen=True, tag=True):
    """Decode all audio sent so far, the ragged tail included, and answer with a result carrying `mark`.

    A stream's second lane answers as well. With `last` the stream is over and its slot is given back.
    """

    stream: int
    mark: int
    last: bool = False


class FlushSecond(msgspec.Struct, frozen=True, tag=True):
    """The second lane by itself: decode all audio sent so far and answer with a result that carries `CAUGHT_UP`."""

    stream: int


class CloseStream(msgspec.Struct, frozen=True, tag=True):
    """Drop the stream and what is left of its audio; give the slot back."""

    stream: int


GatewayItem = OpenStream | ChangeStream | FlushStream | FlushSecond | CloseStream


class BatchPart(msgspec.Struct, frozen=True, array_like=True):
    """Audio of many streams, each at most once, and the items that come behind it.

    Of one stream everything is in order: the audio of a segment, its items, the next segment.
    """

    audio: AudioColumns = NO_AUDIO
    items: tuple[GatewayItem, ...] = ()


class ToWorker(msgspec.Struct, frozen=True, tag=True):
    """All that a gateway has for the worker at one tick."""

    segments: tuple[BatchPart, ...] = ()


# --- worker to gateway -----------------------------------------------------------------------------------------------


class StreamOpened(msgspec.Struct, frozen=True, tag=True):
    """The stream has its slot. Several gateways share a worker, so none can know without asking.

    Attributes:
        stream: Whose.
        slot: Where its audio goes.
        lease: Its hold on the slot, never used twice.
    """

    stream: int
    slot: int
    lease: int


class StreamFailure(msgspec.Struct, frozen=True, tag=True):
    """The worker has dropped the stream.

    Attributes:
        stream: Whose.
        code: A code of `auricle.protocol.codes`.
        message: A sentence that a person can act on.
    """

    stream: int
    code: str
    message: str


class ChangeRefused(msgspec.Struct, frozen=True, tag=True):
    """The worker has no time for what a `ChangeStream` asked for; the stream goes on as it was.

    Attributes:
        stream: Whose.
        message: A sentence that a person can act on.
        asked_ms: The latency that it asked for; None for none.
        latency_ms: The latency that the stream stays at; None where none was asked for.
    """

    stream: int
    message: str
    asked_ms: int | None = None
    latency_ms: int | None = None


class RefineChanged(msgspec.Struct, frozen=True, tag=True):
    """A stream's second lane was opened, or closed. All results of a lane come between the two.

    Attributes:
        stream: Whose.
        active: Whether there is one now.
        base: Samples of the stream from which on the lane hears it. It answers the flushes that come behind them.
    """

    stream: int
    active: bool
    base: int = 0


class StepSample(msgspec.Struct, frozen=True, array_like=True):
    """One engine step.

    Attributes:
        chunk_ms: Chunk size of its rows.
        rows: How many it computed.
        seconds: From its launch to its results.
    """

    chunk_ms: int
    rows: int
    seconds: float


class WorkerStats(msgspec.Struct, frozen=True, tag=True):
    """How the worker does, sent once a second.

    Attributes:
        slots_used: Slots leased now, but for second lanes that would be given up for another stream.
        load: Predicted share of its time that the streams held now need.
        busy: Share of the time since the last message in which it was not waiting.
        capacity: Streams of the default latency that it would hold if there were no others.
        full: Whether it would refuse one more of the default latency.
        steps: Those since the last message. Each step is told to one gateway only, so that sums count it once.
    """

    slots_used: int
    load: float
    busy: float
    capacity: int
    full: bool
    steps: tuple[StepSample, ...] = ()


WorkerItem = StreamOpened | StreamFailure | ChangeRefused | RefineChanged | WorkerStats | ModelInfo


class FromWorker(msgspec.Struct, frozen=True, tag=True):
    """All that the worker has for one gateway after one tick: results first, then items."""

    items: tuple[WorkerItem, ...] = ()
    results: ResultColumns | None = None
