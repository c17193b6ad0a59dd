"""A stream's hold on a slot of a worker."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from auricle_server.gateway.token_bucket import TokenBucket
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    DecodeAgain,
    FlushSecondPass,
    FlushStream,
    KeytermsPrepared,
    SecondPassChanged,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
)
from auricle_server.model_info import ModelInfo

StreamItem = ChunkResult | StreamFailure | UpdateRefused | KeytermsPrepared | SecondPassChanged
"""What a worker sends about one stream."""

NO_SETTINGS = SettingsUpdate()
KEYTERMS_PER_SECOND, KEYTERMS_AT_ONCE = 1.0, 4.0
"""Lists of key terms of one stream that go to the worker. The preparation of a long one takes a tenth of a second."""


def _ignore(_: StreamItem) -> None:
    """The listener of a lease without a session."""


class SlotLease:
    """A stream's hold on a slot of a worker, from before the WebSocket upgrade until `release`.

    Args:
        writer: Takes what the worker is sent.
        on_release: Called with the stream's number when the slot is given back.
        info: The worker's model.
        latency_ms: Chunk latency that the slot was reserved for.
        opened: The worker's answer.
        clock: Monotonic seconds.

    Attributes:
        number: Of the stream on this gateway, never used twice.
        info: As given.
        latency_ms: As given.
        listener: Called with each item that the worker sends about the stream.
        worker: Name of the worker's process.
    """

    def __init__(
        self,
        writer: BatchWriter,
        on_release: Callable[[int], None],
        info: ModelInfo,
        latency_ms: int,
        opened: StreamOpened,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._keyterm_pace = TokenBucket(KEYTERMS_PER_SECOND, KEYTERMS_AT_ONCE, clock)
        self._held_keyterms: tuple[str, ...] | None = None
        """The newest list, while it is too early for it."""
        self._keyterms_due = 0.0
        self._writer = writer
        self._on_release = on_release
        self._slot, self._lease = opened.slot, opened.lease
        self.number = opened.stream
        self.info = info
        self.latency_ms = latency_ms
        self.worker = ""
        self.listener: Callable[[StreamItem], None] = _ignore

    def send_audio(self, pcm: bytes) -> None:
        """Sends 16 kHz mono PCM."""
        self._writer.add_audio(self.number, self._slot, self._lease, pcm)

    def update(self, settings: SettingsUpdate, *, starting: bool = False) -> None:
        """Sends settings, if there are any; see `UpdateStream`.

        Lists of key terms are sent at a pace: of several that come faster only the newest.
        """
        if settings.keyterms is not None and self._holds(settings.keyterms):
            settings = msgspec.structs.replace(settings, keyterms=None)
        if settings != NO_SETTINGS:
            self._writer.add(UpdateStream(self.number, settings, starting))

    def _holds(self, keyterms: tuple[str, ...]) -> bool:
        """Whether it is too early for another list; it is kept then, for `on_beat`."""
        if self._held_keyterms is None:
            self._keyterms_due = self._clock() + self._keyterm_pace.take()
        early = self._clock() < self._keyterms_due
        self._held_keyterms = keyterms if early else None
        return early

    def on_beat(self) -> None:
        """Once a second: sends the list of key terms that was held, when it is time."""
        if self._held_keyterms is not None and self._clock() >= self._keyterms_due:
            held, self._held_keyterms = self._held_keyterms, None
            self._writer.add(UpdateStream(self.number, SettingsUpdate(keyterms=held)))

    def flush(self, mark: int, *, last: bool = False) -> None:
        """Asks for all audio so far; see `FlushStream`."""
        if last:
            self._held_keyterms = None  # nothing may follow a last flush
        self._writer.add(FlushStream(self.number, mark, last), urgent=True)

    def flush_second_pass(self) -> None:
        """Asks the second pass alone; see `FlushSecondPass`."""
        self._writer.add(FlushSecondPass(self.number), urgent=True)

    def decode_again(self, since: int) -> None:
        """Asks for the audio from sample `since` on to be decoded again; see `DecodeAgain`."""
        self._writer.add(DecodeAgain(self.number, since), urgent=True)

    def release(self) -> None:
        """Gives the slot back, unless the worker has freed it already; may be called twice."""
        self._on_release(self.number)
