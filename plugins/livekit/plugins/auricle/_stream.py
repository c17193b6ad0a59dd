"""One participant's audio on its way to the server, and what comes back on its way to the session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import STT, RecognizeStream, SpeechEvent
from livekit.agents.utils import aio

from auricle import (
    AuricleError,
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

from ._audio import mono, pcm
from ._clock import AudioClock
from ._errors import api_error, only_api_errors
from ._events import SpeechEvents
from ._service import Service
from ._usage import UsageMeter
from .log import logger
from .models import OptionChanges, STTOptions

_SETTINGS = ("latency_ms", "language", "turn", "keyterms", "refine")
_Flush = RecognizeStream._FlushSentinel  # noqa: SLF001  # the framework's contract: `_input_ch` holds these


class _Change(_Flush):
    """New settings, queued between the audio before and after them."""

    def __init__(self, update: Update) -> None:
        self.update = update

    @property
    def settings(self) -> dict[str, Any]:
        """As `Stream.update` takes them."""
        return {name: getattr(self.update, name) for name in _SETTINGS}


class SpeechStream(RecognizeStream):
    """One participant's recognition; `STT.stream` makes it.

    The connection is the client's affair: it reconnects and replays. When it gives up, LiveKit runs this again, and the
    client's stream is taken up where it was: what had no final is replayed then, as after any other break.
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
        self._began = 0
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
        update = self._options.update(changes)
        if update is not None:
            self._queue(update)
        if "keyterms" in changes:
            self.change_keyterms()

    def change_keyterms(self) -> None:
        """Goes on with other key terms, the user's and the session's."""
        self._queue(Update(keyterms=self._service.keyterms(self._options)))

    def _queue(self, update: Update) -> None:
        if not self._input_ch.closed:
            self._input_ch.send_nowait(_Change(update))

    async def _main_task(self) -> None:
        """The framework's loop around `_run`, and around that what outlives one run."""
        async with self._service.client(self._conn_options.timeout) as client:
            self._open = partial(self._service.open, client)
            try:
                await super()._main_task()
            except Exception:
                self._abandon()
                raise
            finally:
                if self._upstream is not None:
                    await self._upstream.aclose()

    async def _run(self) -> None:
        if not self._placed:
            # Once: the framework adds the wall-clock time of a failed attempt to it, but no audio is skipped here.
            self._speech.offset, self._placed = self.start_time_offset, True
        try:
            with only_api_errors():
                await self._converse(await self._connected())
        finally:
            self._report(self._usage.rest())

    async def _connected(self) -> Stream:
        """A new stream on the server, or the one that a run before this has lost, where it was."""
        if self._upstream is not None:
            await self._upstream.reopen()
        else:
            self._upstream = await self._open(self._options)
            self._began = self._samples
            self._speech.opened(self._upstream.ready, self._began / self._options.sample_rate)
        return self._upstream

    async def _converse(self, stream: Stream) -> None:
        """Stays with the stream until the input ends."""
        try:
            async with talking(stream, self._talk(stream)):
                await self._listen(stream)
        except AuricleError:
            raise
        except Exception:
            # A mistake of this plugin: going on in mid-stream could repeat it, so the next run begins a new one.
            self._upstream = None
            self._abandon()
            await stream.aclose()
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
            await self._send(stream, item)
        elif isinstance(item, _Change):
            if item.update.keyterms is None or self._service.takes_keyterms:
                await stream.update(**item.settings)
        else:
            flush = f"flush-{self._flushes + 1}"
            self._unanswered.add(flush)
            await stream.finalize(flush)
            self._flushes += 1

    async def _send(self, stream: Stream, frame: rtc.AudioFrame) -> None:
        # A stream takes a long frame piece by piece; it may have failed after some of them, in an earlier run.
        taken = self._began + round(stream.audio_seconds * frame.sample_rate) - self._samples
        await stream.send(pcm(frame)[2 * taken :])
        self._samples += frame.samples_per_channel
        self._report(self._usage.add(frame.duration))

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
                self._reconnected()
                logger.info("reconnected", extra={"replayed": event.replayed_seconds, "lost": event.lost_seconds})
            case Error():
                self._service.refused(event)

    def _reconnected(self) -> None:
        """Another server may offer less, or more."""
        if self._upstream is not None:
            self._service.offer = self._upstream.ready

    def _abandon(self) -> None:
        """What the server's stream still owed will not come: the session must not wait for it."""
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

    When `talk` fails because the stream has, the iteration raises that, after the events that came before. After any
    other failure of it the iteration ends, and the failure is raised thereafter.
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
    except Exception as error:
        if isinstance(error, AuricleError) and not isinstance(error, ProtocolError):
            return  # the stream's own; one who breaks the protocol may be the caller
        await stream.aclose()
        raise
