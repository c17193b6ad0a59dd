"""One participant's stream: their audio goes to the server, and its events to the session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import STT, RecognizeStream, SpeechEvent
from livekit.agents.utils import aio

from auricle import (
    AuricleError,
    Connected,
    Error,
    Final,
    ProtocolError,
    Reconnected,
    Reconnecting,
    Stream,
    StreamEvent,
    StreamFailed,
)
from auricle.protocol import Update

from ._audio import AudioClock, UsageMeter, mono, pcm
from ._errors import api_error, only_api_errors
from ._events import SpeechEvents
from ._service import Service
from .log import logger
from .models import OptionChanges, STTOptions

_SAMPLE_BYTES = 2
_Flush = RecognizeStream._FlushSentinel  # noqa: SLF001  # the framework's contract: `_input_ch` holds these


class _QueuedUpdate(_Flush):
    """New settings in `_input_ch`, between the audio before and after them.

    A flush sentinel to the framework: its resampler then gives out all audio that came before.
    """

    def __init__(self, update: Update) -> None:
        self.update = update


class SpeechStream(RecognizeStream):
    """One participant's recognition; `STT.stream` makes it.

    The client's stream connects, reconnects and replays by itself. When it gives up, LiveKit calls `_run` again, which
    goes on with that same stream: what had no final is replayed, as after any other break.
    """

    def __init__(
        self, *, stt: STT[Any], service: Service, options: STTOptions, conn_options: APIConnectOptions
    ) -> None:
        super().__init__(stt=stt, conn_options=conn_options, sample_rate=options.sample_rate)
        self._service = service
        self._options = options
        self._clock = AudioClock()
        self._speech = SpeechEvents(self._clock, server_turns=options.turn_detection == "server")
        self._usage = UsageMeter()
        self._upstream: Stream | None = None
        self._upstream_start = 0  # in samples of all audio
        self._samples = 0
        self._next_item: rtc.AudioFrame | _Flush | None = None
        self._flushes = 0
        self._unanswered: set[str] = set()
        self._offset_taken = False

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Takes audio of the participant; several channels are averaged into one."""
        super().push_frame(mono(frame))
        # Counted as it comes in: the framework's resampler holds 15 to 38 ms of it back.
        self._clock.push(frame.duration, time.time())

    def change(self, changes: OptionChanges) -> None:
        """Goes on with other options; the server receives them between the audio before and the audio after."""
        self._options = replace(self._options, **changes)
        update = self._options.update(changes)
        if update is not None:
            self._queue(update)
        if "keyterms" in changes:
            self.change_keyterms()

    def change_keyterms(self) -> None:
        """Goes on with other key terms, the user's and the session's."""
        self._queue(Update(keyterms=self._service.keyterms(self._options)))

    def _queue(self, update: Update) -> None:
        # A closed channel raises, and no audio comes any more for which the settings could matter.
        if not self._input_ch.closed:
            self._input_ch.send_nowait(_QueuedUpdate(update))

    # --- runs of the framework ---------------------------------------------------------------------------------------

    async def _main_task(self) -> None:
        """The framework's loop around `_run`, and around it what outlives one run."""
        async with self._service.client(self._conn_options.timeout) as self._client:
            try:
                await super()._main_task()
            except Exception:
                # Only after LiveKit's last retry: until then the stream can still bring these words.
                self._abandon()
                raise
            finally:
                if self._upstream is not None:
                    await self._upstream.aclose()

    async def _run(self) -> None:
        if not self._offset_taken:
            # Once: the framework adds the wall-clock time of a failed attempt to it, but no audio is skipped here.
            self._speech.offset, self._offset_taken = self.start_time_offset, True
        try:
            with only_api_errors():
                await self._recognize()
        finally:
            self._report(self._usage.rest())

    async def _recognize(self) -> None:
        stream = await self._open_or_reopen()
        try:
            connected = asyncio.Event()
            async with sending(stream, self._send_input(stream, connected)):
                async for event in stream:
                    await self._follow(event, stream)
                    if isinstance(event, Connected | Reconnected):
                        connected.set()
                    self._emit(self._speech.of(event))
        except AuricleError:
            raise
        except Exception:
            # A bug of this plugin: the same stream could raise it again, so the next run begins a new one.
            self._upstream = None
            self._abandon()
            await stream.aclose()
            raise

    async def _open_or_reopen(self) -> Stream:
        """A new stream, or the one that an earlier run has lost."""
        if self._upstream is None:
            self._upstream_start = self._samples
            self._upstream = self._service.stream(self._client, lambda: self._options)
        else:
            await self._upstream.reopen()
        return self._upstream

    # --- from the participant to the server --------------------------------------------------------------------------

    async def _send_input(self, stream: Stream, connected: asyncio.Event) -> None:
        # The session's key terms go before the audio, and how many the server takes is known from `Ready` on.
        await connected.wait()
        while (item := await self._receive_input()) is not None:
            await self._send(stream, item)
            self._next_item = None
        await stream.end()

    async def _receive_input(self) -> rtc.AudioFrame | _Flush | None:
        """The next item to send, until it was sent, in whichever run; None when the input has ended."""
        if self._next_item is None:
            try:
                self._next_item = await self._input_ch.recv()
            except aio.ChanClosed:
                return None
        return self._next_item

    async def _send(self, stream: Stream, item: rtc.AudioFrame | _Flush) -> None:
        match item:
            case rtc.AudioFrame():
                await self._send_audio(stream, item)
            case _QueuedUpdate(update=update):
                await self._service.send_update(stream, update)
            case _:
                # Noted before the call and counted after it: when the call fails, the next run sends the same flush
                # again. One without an answer makes the session close in 2 s instead of 0.04 s.
                name = f"flush-{self._flushes + 1}"
                self._unanswered.add(name)
                await stream.finalize(name)
                self._flushes += 1

    async def _send_audio(self, stream: Stream, frame: rtc.AudioFrame) -> None:
        # A stream takes a long frame piece by piece, and may have failed after some of them in an earlier run.
        taken = self._upstream_start + round(stream.audio_seconds * frame.sample_rate) - self._samples
        await stream.send(pcm(frame)[_SAMPLE_BYTES * taken :])
        self._samples += frame.samples_per_channel
        self._report(self._usage.add(frame.duration))

    # --- from the server to the session ------------------------------------------------------------------------------

    async def _follow(self, event: StreamEvent, stream: Stream) -> None:
        match event:
            case Final(finalize_id=str(flush)):
                self._unanswered.discard(flush)
            case Connected():
                self._speech.opened(stream.ready, self._upstream_start / self._options.sample_rate)
                await self._service.connected(stream, self._options)
            case Reconnecting(error=StreamFailed(expired=True) as error):
                logger.info("%s; going on with a new stream", error)
            case Reconnecting():
                logger.warning("%s; attempt %d in %.1f s", event.error, event.attempt, event.delay)
                self._emit_error(api_error(event.error), recoverable=True)
            case Reconnected():
                self._service.offer = stream.ready  # another server may offer less, or more
                logger.info("reconnected", extra={"replayed": event.replayed_seconds, "lost": event.lost_seconds})
            case Error():
                self._service.refused(event)

    def _abandon(self) -> None:
        """Emits the events that will no longer come from the server: the session must not wait for them."""
        self._emit(self._speech.abandoned(flushed=bool(self._unanswered)))
        self._unanswered.clear()

    def _report(self, seconds: float) -> None:
        if seconds:
            self._emit([self._speech.usage(seconds)])

    def _emit(self, events: Iterable[SpeechEvent]) -> None:
        for event in events:
            self._event_ch.send_nowait(event)


@asynccontextmanager
async def sending(stream: Stream, send: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `send` while the body of the block iterates over the stream.

    When `send` fails because the stream has failed, the iteration raises that error, after the events that came before
    it. After any other failure of `send` the iteration ends, and the failure is raised then.
    """
    task = asyncio.create_task(_send(stream, send), name="auricle sending")
    try:
        yield
        await task
    finally:
        task.cancel()
        # Waited for, so that nothing sends on the stream once the block is left.
        await asyncio.gather(task, return_exceptions=True)


async def _send(stream: Stream, send: Coroutine[Any, Any, None]) -> None:
    try:
        await send
    except Exception as error:
        if isinstance(error, AuricleError) and not isinstance(error, ProtocolError):
            return  # the stream's own; a ProtocolError may be the caller's mistake
        await stream.aclose()
        raise
