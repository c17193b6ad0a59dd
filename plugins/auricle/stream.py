"""One speaker's stream, as its caller sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from auricle import audio
from auricle._stream.event_merger import EventMerger
from auricle._stream.replay_buffer import LARGEST_PACKET_SECONDS, ReplayBuffer
from auricle._stream.stream_input import StreamInput
from auricle._stream.stream_task import StreamTask
from auricle.errors import Backpressure, ProtocolError
from auricle.events import StreamEvent
from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.connection import check_whole_samples
from auricle.protocol.server_messages import Ready
from auricle.protocol.settings import InvalidMessage, Refine, TextFormat, TurnSettings, phrases


class Stream:
    """One speaker's stream, which outlives its connections.

    Iterate over it for the events, from one task; call the other methods from any task of the same loop. Times in
    events are seconds of the audio given to `send`, whatever happens to the connection. When the stream fails, the
    iteration raises the error after the events before it, and every method raises it from then on.
    """

    def __init__(
        self, task: StreamTask, replay_buffer: ReplayBuffer, stream_input: StreamInput, merger: EventMerger
    ) -> None:
        start = replay_buffer.start
        self._task = task
        self._replay_buffer = replay_buffer
        self._input = stream_input
        self._merger = merger
        self._encoding = start.encoding
        self._piece_bytes = audio.size_of(LARGEST_PACKET_SECONDS, start.sample_rate, start.encoding)
        self._finalizes = 0
        self._ended = False

    @property
    def ready(self) -> Ready:
        """What the server offers and what is in force; after a reconnection, the answer on the new connection.

        Raises:
            ProtocolError: There has been no connection yet, see `AuricleClient.stream`; from `Connected` on there is.
        """
        if self._task.ready is None:
            raise _not_connected()
        return self._task.ready

    @property
    def url(self) -> str:
        """Address of the server in use; while the stream reconnects, of the one used last.

        Raises:
            ProtocolError: There has been no connection yet.
        """
        url = self._task.url
        if url is None:
            raise _not_connected()
        return url

    @property
    def is_open(self) -> bool:
        """Whether it takes more audio: it has neither ended nor failed. It may be reconnecting."""
        return not (self._ended or self._task.finished)

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio given to `send` so far: the stream's clock."""
        return self._replay_buffer.audio_seconds

    @property
    def unsettled_from(self) -> float:
        """Seconds of the stream up to which all audio has its final, or needs none, or is no longer kept."""
        return self._replay_buffer.front_seconds

    async def send(self, pcm: bytes) -> None:
        """Sends mono audio in the encoding and at the sample rate of the `Start`, in pieces of any length.

        Waits while the socket is slow. While the stream reconnects, it accepts audio at real-time speed.

        Raises:
            ProtocolError: Not a whole number of samples, or the stream has ended.
            AuricleError: The stream has failed.
        """
        self._check_audio(pcm)
        # Piece by piece: a file waits for capacity every half second, instead of lying in memory as a whole.
        for offset in range(0, len(pcm), self._piece_bytes):
            await self._input.wait_for_capacity()
            # Again, because the stream may have failed during the wait, which a failure ends too.
            self._check_open()
            self._input.add_audio(pcm[offset : offset + self._piece_bytes])

    def send_nowait(self, pcm: bytes) -> None:
        """As `send`, but never waits: for callers that cannot hold back a live speaker.

        Raises:
            Backpressure: Too much audio waits to be sent: two seconds, or the `send_buffer_seconds` of
                `AuricleClient.stream`. The audio of this call was not accepted. While the stream reconnects, it accepts
                audio at real-time speed.
            ProtocolError: Not a whole number of samples, or the stream has ended.
            AuricleError: The stream has failed.
        """
        self._check_audio(pcm)
        if not self._input.has_capacity:
            raise Backpressure(self._replay_buffer.unsent_seconds)
        self._input.add_audio(pcm)

    def _check_audio(self, pcm: bytes) -> None:
        # Here and not only at the socket: half a sample in the replay buffer would shift all audio after it.
        try:
            check_whole_samples(pcm, self._encoding)
        except ProtocolViolation as violation:
            raise ProtocolError(violation.code, violation.message) from violation
        self._check_open()

    async def finalize(self, id: str | None = None) -> str:  # noqa: A002  # the protocol's own name of the field
        """Asks for a final of all audio so far, without waiting for silence.

        Args:
            id: Returned as `Final.finalize_id`; None generates one.

        Returns:
            The id. Exactly one `Final` answers it, even after a reconnection; its text is empty when nothing was said.

        Raises:
            ProtocolError: The id is too long or still waits for its answer, or the stream has ended.
            AuricleError: The stream has failed.
        """
        self._check_open()
        name = self._fresh_id() if id is None else id
        # Here, where the caller can be told: the connection checks the same, but only when the task sends it.
        if name in self._replay_buffer.unanswered:
            raise ProtocolError(codes.INVALID_FIELD, f"finalize {name!r} has not been answered yet")
        try:
            self._input.add_message(Finalize(name))
        except InvalidMessage as error:
            raise ProtocolError(codes.INVALID_FIELD, str(error)) from error
        return name

    async def update(
        self,
        *,
        latency_ms: int | None = None,
        language: str | None = None,
        turn: TurnSettings | None = None,
        keyterms: Sequence[str] | None = None,
        refine: Refine | None = None,
        text_format: TextFormat | None = None,
    ) -> None:
        """Changes settings from the next chunk on; None leaves a setting unchanged.

        A server that refuses a setting sends a non-fatal `Error` event, keeps that setting as it was and changes the
        others.

        Raises:
            ProtocolError: A value cannot be sent, or the stream has ended.
            AuricleError: The stream has failed.
        """
        self._check_open()
        try:
            terms = None if keyterms is None else phrases(keyterms)
            updates = _one_by_one(Update(latency_ms, language, turn, terms, refine, text_format))
        except InvalidMessage as error:
            raise ProtocolError(codes.INVALID_FIELD, str(error)) from error
        if turn is not None:
            self._merger.change_turn(turn)
        for update in updates:
            self._input.add_message(update)

    async def end(self) -> None:
        """Declares that no more audio will come; the iteration ends after the last events. A second call does nothing.

        Raises:
            AuricleError: The stream has failed.
        """
        if self._ended:
            return
        self._check_open()
        self._ended = True
        self._input.add_message(End())

    def retry(self) -> None:
        """Tries to connect at once, where the stream waits for its next attempt."""
        self._input.retry()

    async def reopen(self) -> None:
        """Continues a stream that has failed, whether it was connected before or not. Iterate anew for its events.

        For callers with retries of their own, beyond those of `ReconnectPolicy`: audio without a final is replayed, as
        after any other break.

        Raises:
            ProtocolError: The stream has not failed.
            AuricleError: No server accepts it; the caller may try again.
        """
        if self._task.failure is None:
            raise ProtocolError(codes.ALREADY_STARTED, "only a stream that has failed can be reopened")
        await self._task.reopen()

    async def aclose(self) -> None:
        """Drops the stream at once, without its outstanding events. `end` finishes it normally."""
        self._ended = True
        await self._task.aclose()

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        return self

    async def __anext__(self) -> StreamEvent:
        return await self._task.events.get()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _fresh_id(self) -> str:
        while True:
            self._finalizes += 1
            # The ids that a caller chooses may look the same.
            name = f"f{self._finalizes}"
            if name not in self._replay_buffer.unanswered:
                return name

    def _check_open(self) -> None:
        if self._task.failure is not None:
            raise self._task.failure
        if self._ended or self._task.finished:
            raise ProtocolError(codes.AFTER_END, "the stream has ended")


def _not_connected() -> ProtocolError:
    return ProtocolError(codes.NOT_STARTED, "the stream has not been connected yet")


def _one_by_one(update: Update) -> list[Update]:
    """The same as one update for each setting that can be refused: a server follows an update whole or not at all."""
    parts = (
        Update(latency_ms=update.latency_ms),
        Update(language=update.language),
        Update(turn=update.turn, refine=update.refine, text_format=update.text_format),
        Update(keyterms=update.keyterms),
    )
    return [part for part in parts if part != Update()]
