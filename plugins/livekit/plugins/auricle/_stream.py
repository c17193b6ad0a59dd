"""One participant's audio on its way to the server, and what comes back on its way to the session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import RecognizeStream, SpeechEvent
from livekit.agents.utils import aio

from auricle import Error, Final, Reconnected, Reconnecting, Stream, StreamEvent, StreamFailed
from auricle.protocol import Update

from ._audio import mono, pcm
from ._clock import AudioClock
from ._errors import api_error, only_api_errors
from ._events import SpeechEvents
from ._usage import UsageMeter
from .log import logger
from .models import OptionChanges, STTOptions

if TYPE_CHECKING:
    from .stt import STT


class Opener(Protocol):
    """Opens a stream on the server, with the seconds that connecting may take."""

    def __call__(self, options: STTOptions, timeout: float) -> AbstractAsyncContextManager[Stream]: ...


_Flush = RecognizeStream._FlushSentinel  # noqa: SLF001  # the framework's contract: `_input_ch` holds these


class _Change(_Flush):
    """New settings, queued between the audio before and after them."""

    def __init__(self, update: Update) -> None:
        self.update = update


class SpeechStream(RecognizeStream):
    """One participant's recognition; `STT.stream` makes it.

    The connection is the client's affair: it reconnects and replays. When it gives up, LiveKit runs this again, and a
    new stream on the server goes on with the audio that the lost one was not given.
    """

    def __init__(self, *, stt: STT, open_stream: Opener, options: STTOptions, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=stt, conn_options=conn_options, sample_rate=options.sample_rate)
        self._open_stream = open_stream
        self._options = options
        self._clock = AudioClock()
        self._speech = SpeechEvents(self._clock, server_turns=options.turn_detection == "server")
        self._usage = UsageMeter()
        self._samples = 0
        self._item: rtc.AudioFrame | _Flush | None = None
        self._flushes = 0
        self._unanswered: set[str] = set()
        self._placed = False

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Takes audio of the participant; several channels are averaged into one."""
        super().push_frame(mono(frame))
        self._clock.push(frame.duration, time.time())

    def change(self, changes: OptionChanges) -> None:
        """Goes on with other options; the server hears of them between the audio before and the audio after."""
        self._options = replace(self._options, **changes)
        if not self._input_ch.closed:
            self._input_ch.send_nowait(_Change(self._options.update(changes)))

    async def _run(self) -> None:
        if not self._placed:
            # Once: the framework adds the wall-clock time of a failed attempt to it, but no audio is skipped here.
            self._speech.offset, self._placed = self.start_time_offset, True
        try:
            with only_api_errors():
                await self._converse()
        finally:
            self._report(self._usage.rest())

    async def _converse(self) -> None:
        """Opens a stream on the server and stays with it until the input ends."""
        async with self._open_stream(self._options, self._conn_options.timeout) as stream:
            self._speech.opened(stream.ready, self._samples / self._options.sample_rate)
            try:
                async with talking(stream, self._talk(stream)):
                    await self._listen(stream)
            except Exception:
                self._abandon()
                raise

    async def _talk(self, stream: Stream) -> None:
        while (item := await self._await_input()) is not None:
            await self._tell(stream, item)
            self._item = None
        await stream.end()

    async def _await_input(self) -> rtc.AudioFrame | _Flush | None:
        """What the server is to be told next; it stays the next until it was. None when the input has ended."""
        if self._item is None:
            try:
                self._item = await self._input_ch.recv()
            except aio.ChanClosed:
                return None
        return self._item

    async def _tell(self, stream: Stream, item: rtc.AudioFrame | _Flush) -> None:
        if isinstance(item, rtc.AudioFrame):
            await stream.send(pcm(item))
            self._samples += item.samples_per_channel
            self._report(self._usage.add(item.duration))
        elif isinstance(item, _Change):
            update = item.update
            await stream.update(latency_ms=update.latency_ms, language=update.language, turn=update.turn)
        else:
            self._flushes += 1
            flush = f"flush-{self._flushes}"
            self._unanswered.add(flush)
            await stream.finalize(flush)

    async def _listen(self, stream: Stream) -> None:
        async for event in stream:
            self._notice(event)
            self._emit(self._speech.of(event))

    def _notice(self, event: StreamEvent) -> None:
        match event:
            case Final(finalize_id=str(flush)):
                self._unanswered.discard(flush)
            case Reconnecting(error=StreamFailed(expired=True) as error):
                logger.info("%s; going on with a new one", error)
            case Reconnecting():
                logger.warning("%s; attempt %d in %.1f s", event.error, event.attempt, event.delay)
                self._emit_error(api_error(event.error), recoverable=True)
            case Reconnected():
                logger.info("reconnected", extra={"replayed": event.replayed_seconds, "lost": event.lost_seconds})
            case Error():
                logger.warning("the server: %s", event.message, extra={"code": event.code})

    def _abandon(self) -> None:
        self._emit(self._speech.abandoned(flushed=bool(self._unanswered)))
        self._unanswered.clear()

    def _report(self, seconds: float) -> None:
        if seconds:
            self._emit([self._speech.usage(seconds)])

    def _emit(self, events: Iterable[SpeechEvent]) -> None:
        for event in events:
            self._event_ch.send_nowait(event)


@asynccontextmanager
async def talking(stream: Stream, talk: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `talk` while the body of the block iterates over the stream.

    When `talk` fails, the iteration ends after the events that came before, and the failure is raised thereafter.
    """
    task = asyncio.create_task(_ending(stream, talk), name="auricle talking")
    try:
        yield
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _ending(stream: Stream, talk: Coroutine[Any, Any, None]) -> None:
    try:
        await talk
    except Exception:
        await stream.aclose()
        raise
