"""What travels between a gateway and a worker: one `ToWorker` and one `FromWorker` message per tick, for all streams.

Audio and results travel in columns (see `auricle_server.ipc.columns`), everything else, which is rare, as items. A
stream's number is unique for the life of its gateway and never used twice, and so is a lease for the life of its
worker: a result for a stream that has ended is dropped, and audio for the previous stream of a slot does not reach the
next one.
"""

from __future__ import annotations

import msgspec

from auricle_server.ipc.columns import NO_AUDIO, AudioColumns, ResultColumns
from auricle_server.model_info import ModelInfo

SAMPLE_RATE = 16_000
"""Samples per second of all audio between gateway and worker, and of every audio position."""
CAUGHT_UP = 0
"""Mark of the answers to `FlushSecondPass`; no `FlushStream` has it."""


# --- gateway to worker -----------------------------------------------------------------------------------------------


class OpenStream(msgspec.Struct, frozen=True, tag=True):
    """Takes a slot for a stream of this latency; answered by `StreamOpened`, or by `StreamFailure` when none fits."""

    stream: int
    latency_ms: int
    language: str


class SettingsUpdate(msgspec.Struct, frozen=True):
    """Settings of a stream from its next chunk on, checked against the model; None leaves one as it is.

    Attributes:
        latency_ms: Chunk latency.
        language: One of the model's codes.
        refine: Whether the stream gets a second pass, which decodes the same audio at the model's longest latency:
            ``"off"``, ``"on"`` for as long as it lasts, ``"auto"`` while the worker has time to spare.
            `SecondPassChanged` reports it. A stream that runs at the longest latency anyway gets none.
        offline: Whether the client sends a recording and does not wait live: the stream gets the model's longest
            latency and the time that other streams leave.
        keyterms: Words and phrases that the decoder favours.
    """

    latency_ms: int | None = None
    language: str | None = None
    refine: str | None = None
    offline: bool = False
    keyterms: tuple[str, ...] | None = None


class UpdateStream(msgspec.Struct, frozen=True, tag=True):
    """Updates the settings of a stream.

    When the worker has no time for them, a stream that is `starting` fails; one that runs keeps its settings, and
    `UpdateRefused` says so.
    """

    stream: int
    settings: SettingsUpdate
    starting: bool = False


class FlushStream(msgspec.Struct, frozen=True, tag=True):
    """Decodes all audio sent so far, the ragged tail included; answered by a result that carries `mark`.

    A stream's second pass answers as well. With `last` the stream ends and its slot is free.
    """

    stream: int
    mark: int
    last: bool = False


class FlushSecondPass(msgspec.Struct, frozen=True, tag=True):
    """Flushes the second pass alone; answered by a refined result that carries `CAUGHT_UP`."""

    stream: int


class DecodeAgain(msgspec.Struct, frozen=True, tag=True):
    """Starts the model's state of a stream anew and decodes its audio from sample `since` on again.

    For speech in which the decoder has found no word; nothing happens if it has found one since.
    """

    stream: int
    since: int


class CloseStream(msgspec.Struct, frozen=True, tag=True):
    """Drops the stream and what is left of its audio; frees the slot."""

    stream: int


GatewayItem = OpenStream | UpdateStream | FlushStream | FlushSecondPass | DecodeAgain | CloseStream


# Arrays on the wire, without field names: both ends are processes of one server, hence of one release.
class BatchPart(msgspec.Struct, frozen=True, array_like=True):
    """Audio of many streams, each at most once, and the items that follow it.

    Of one stream everything is in order: the audio of a part, its items, the next part.
    """

    audio: AudioColumns = NO_AUDIO
    items: tuple[GatewayItem, ...] = ()


class ToWorker(msgspec.Struct, frozen=True, tag=True):
    """All that a gateway has for the worker at one tick."""

    parts: tuple[BatchPart, ...] = ()


# --- worker to gateway -----------------------------------------------------------------------------------------------


class WorkerReady(msgspec.Struct, frozen=True, tag=True):
    """The worker introduces itself to a gateway that it does not know; it holds none of that gateway's streams.

    Attributes:
        info: Its model.
        generation: How many times the model had been loaded anew when it was started.
    """

    info: ModelInfo
    generation: int = 0


class StreamOpened(msgspec.Struct, frozen=True, tag=True):
    """The stream has its slot. Several gateways share a worker, so no gateway can know without asking.

    Attributes:
        stream: Number of the stream.
        slot: Where its audio goes.
        lease: Its hold on the slot, never used twice.
    """

    stream: int
    slot: int
    lease: int


class StreamFailure(msgspec.Struct, frozen=True, tag=True):
    """The worker has dropped the stream.

    Attributes:
        stream: Number of the stream.
        code: A code of `auricle.protocol.codes`.
        message: A sentence that a person can act on.
    """

    stream: int
    code: str
    message: str


class UpdateRefused(msgspec.Struct, frozen=True, tag=True):
    """The worker has no time for an `UpdateStream`; the stream keeps its settings.

    Attributes:
        stream: Number of the stream.
        message: A sentence that a person can act on.
        asked_ms: The latency that was asked for; None for none.
        latency_ms: The latency in force; None where none was asked for.
    """

    stream: int
    message: str
    asked_ms: int | None = None
    latency_ms: int | None = None


class KeytermsPrepared(msgspec.Struct, frozen=True, tag=True):
    """A list of key terms that a stream has asked for is in force from its next chunk on, or refused.

    Attributes:
        stream: Number of the stream.
        count: Phrases of the list.
        in_force: False where the worker has no room for it; the stream keeps the terms that it had.
    """

    stream: int
    count: int
    in_force: bool = True


class SecondPassChanged(msgspec.Struct, frozen=True, tag=True):
    """A stream's second pass was opened, or closed. All its results come between the two.

    Attributes:
        stream: Number of the stream.
        active: Whether there is one now.
        base: Samples of the stream before the first that the second pass decodes. It answers the flushes that follow.
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
    """The load of the worker, sent once a second.

    Attributes:
        slots_used: Slots leased now, without the second passes that would give way to another stream.
        load: Predicted share of its time that the streams held now need.
        busy: Share of the time since the last message in which it was not waiting.
        capacity: Streams of the default latency that it would hold if there were no others.
        full: Whether it would refuse one more of the default latency.
        steps: Those since the last message. Each step is reported to one gateway only, so that sums count it once.
        restarts: How often a stream's state has started anew since the last message, counted likewise.
    """

    slots_used: int
    load: float
    busy: float
    capacity: int
    full: bool
    steps: tuple[StepSample, ...] = ()
    restarts: int = 0


WorkerItem = (
    WorkerReady | StreamOpened | StreamFailure | UpdateRefused | KeytermsPrepared | SecondPassChanged | WorkerStats
)


class FromWorker(msgspec.Struct, frozen=True, tag=True):
    """All that the worker has for one gateway after one tick: results first, then items."""

    items: tuple[WorkerItem, ...] = ()
    results: ResultColumns | None = None
