"""One participant's stream: their audio goes to the server, and its events to the session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Self, Unpack

from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import STT, RecognizeStream, SpeechEvent
from livekit.agents.utils import aio

from auricle import (
    AuricleError,
    Connected,
    Error,
    Final,
    Reconnected,
    Reconnecting,
    StreamEvent,
    StreamFailed,
)
from auricle.protocol import Update

from ._audio import AudioClock, UsageMeter, mono, pcm
from ._errors import api_error, only_api_errors
from ._events import SpeechEvents
from ._handover import Upstream
from ._sending import sending
from ._service import Service
from .log import logger
from .models import OptionChanges, OptionKeywords, STTOptions, changes_asked_for

_SAMPLE_BYTES = 2
_Flush = RecognizeStream._FlushSentinel  # noqa: SLF001  # the framework's contract: `_input_ch` holds these


class _QueuedUpdate(_Flush):
    """New settings in `_input_ch`, between the audio before and after them.

    A flush sentinel to the framework: its resampler then gives out all audio that came before.
    """

    def __init__(self, make: Callable[[], Update | None], options: STTOptions) -> None:
        self.make = make
        self.options = options


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
        server_turns = options.turn_detection == "server"
        self._speech = SpeechEvents(self._clock, server_turns=server_turns, languages=options.languages)
        self._usage = UsageMeter()
        self._upstream: Upstream | None = None
        self._samples = 0
        self._next_item: rtc.AudioFrame | _Flush | None = None
        self._flushes = 0
        self._unanswered: set[str] = set()
        self._offset_taken = False
        self._closing = False

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Takes audio of the participant; several channels are averaged into one."""
        super().push_frame(mono(frame))
        # Counted as it comes in: the framework's resampler holds 15 to 38 ms of it back.
        self._clock.push(frame.duration, time.time())

    def update_options(self, **options: Unpack[OptionKeywords]) -> None:
        """Changes options of this participant alone, in band; see `STT.update_options`.

        Raises:
            ValueError: An option is out of range, or the server does not offer its value.
            TypeError: There is no such option, or it cannot change.
        """
        changes = changes_asked_for(options)
        self._service.check(changes)
        self.change(changes)

    def change(self, changes: OptionChanges) -> None:
        """Goes on with other options; the server receives them between the audio before and the audio after."""
        self._options = options = replace(self._options, **changes)
        self._speech.languages = options.languages
        # Made when it is sent: the server's default language is known from its first answer on.
        if changes.keys() - {"keyterms"}:
            self._queue(lambda: options.update(changes, self._service.default_language))
        if "keyterms" in changes:
            self.change_keyterms()

    def change_keyterms(self) -> None:
        """Goes on with other key terms, the user's and the session's."""
        update = Update(keyterms=self._service.keyterms(self._options))
        self._queue(lambda: update)

    def _queue(self, make: Callable[[], Update | None]) -> None:
        # A closed channel raises, and no audio comes any more for which the settings could matter.
        if not self._input_ch.closed:
            self._input_ch.send_nowait(_QueuedUpdate(make, self._options))

    async def __aenter__(self) -> Self:
        return self

    async def aclose(self) -> None:
        """Ends recognition at once; the last words are not waited for."""
        # The framework closes the input first, which otherwise says that the participant's audio is complete.
        self._closing = True
        await super().aclose()

    # --- runs of the framework ---------------------------------------------------------------------------------------

    async def _main_task(self) -> None:
        """The framework's loop around `_run`, and around it what outlives one run."""
        async with self._service.client(self._conn_options.timeout) as self._client:
            try:
                await super()._main_task()
            except asyncio.CancelledError:
                await self._leave(hand_over=True)
                raise
            except Exception:
                # Only after LiveKit's last retry: until then the stream can still bring these words.
                self._abandon()
                raise
            finally:
                await self._leave()

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
        connected = asyncio.Event()
        upstream = await self._open_or_reopen(connected)
        try:
            async with sending(upstream.stream, self._send_input(upstream, connected)):
                async for event in upstream.stream:
                    await self._follow(event, upstream)
                    if isinstance(event, Connected | Reconnected):
                        connected.set()
                    if not upstream.is_cleared(event):
                        self._emit(self._speech.of(event))
                    if isinstance(event, Final):
                        self._report(self._usage.rest())
        except AuricleError:
            raise
        except Exception:
            # A bug of this plugin: the same stream could raise it again, so the next run begins a new one.
            self._abandon()
            await self._leave()
            raise

    async def _open_or_reopen(self, connected: asyncio.Event) -> Upstream:
        """A new stream, that of a recognition which ends right now, or the one that an earlier run has lost."""
        if self._upstream is not None:
            await self._upstream.stream.reopen()
            return self._upstream
        handed = await self._service.handovers.take()
        if handed is not None and await self._take_over(handed):
            connected.set()
            return handed
        stream = self._service.stream(self._client, lambda: self._options.start())  # noqa: PLW0108  # the options of each attempt
        return self._own(Upstream(stream, self._client, self._samples))

    async def _take_over(self, upstream: Upstream) -> bool:
        """Goes on with the stream of another recognition; False when it cannot go on with these options."""
        changes = None if upstream.options is None else self._options.changed_from(upstream.options)
        if changes is None or upstream.client is not self._client or not upstream.holds_slot:
            await upstream.stream.aclose()  # its slot is free before another is asked for
            return False
        try:
            await upstream.change_owner(self._samples, self._options.sample_rate)
        except AuricleError:
            return False  # it has failed, and has no slot any more
        self._own(upstream)
        self._speech.opened(upstream.stream.ready, upstream.seconds(self._options.sample_rate), taken_over=True)
        update = self._options.update(changes, self._service.default_language)
        if update is not None:
            await self._service.send_update(upstream.stream, update)
        upstream.options = self._options
        upstream.keyterms = await self._service.send_keyterms(upstream.stream, self._options, upstream.keyterms)
        return True

    def _own(self, upstream: Upstream) -> Upstream:
        self._upstream = upstream
        self._service.handovers.joined()
        return upstream

    async def _leave(self, *, hand_over: bool = False) -> None:
        """Ends the stream, or hands it over to a recognition that begins right now."""
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            self._service.handovers.left()
            if not (hand_over and upstream.holds_slot and self._service.handovers.give(upstream)):
                await upstream.stream.aclose()

    # --- from the participant to the server --------------------------------------------------------------------------

    async def _send_input(self, upstream: Upstream, connected: asyncio.Event) -> None:
        # The session's key terms go before the audio, and how many the server takes is known from `Ready` on.
        await connected.wait()
        while (item := await self._receive_input()) is not None:
            await self._send(upstream, item)
            self._next_item = None
        if not self._closing:
            await upstream.stream.end()

    async def _receive_input(self) -> rtc.AudioFrame | _Flush | None:
        """The next item to send, until it was sent, in whichever run; None when the input has ended."""
        if self._next_item is None:
            try:
                self._next_item = await self._input_ch.recv()
            except aio.ChanClosed:
                return None
        return self._next_item

    async def _send(self, upstream: Upstream, item: rtc.AudioFrame | _Flush) -> None:
        match item:
            case rtc.AudioFrame():
                await self._send_audio(upstream, item)
            case _QueuedUpdate(make=make, options=options):
                if (update := make()) is not None:
                    await self._service.send_update(upstream.stream, update)
                    upstream.keyterms = upstream.keyterms if update.keyterms is None else update.keyterms
                upstream.options = options
            case _:
                # Noted before the call and counted after it: when the call fails, the next run sends the same flush
                # again. One without an answer makes the session close in 2 s instead of 0.04 s.
                name = upstream.flush_name(self._flushes + 1)
                self._unanswered.add(name)
                await upstream.stream.finalize(name)
                self._flushes += 1
                self._report(self._usage.rest())

    async def _send_audio(self, upstream: Upstream, frame: rtc.AudioFrame) -> None:
        # A stream takes a long frame piece by piece, and may have failed after some of them in an earlier run.
        taken = upstream.start + round(upstream.stream.audio_seconds * frame.sample_rate) - self._samples
        await upstream.stream.send(pcm(frame)[_SAMPLE_BYTES * taken :])
        self._samples += frame.samples_per_channel
        self._report(self._usage.add(frame.duration, time.monotonic()))

    # --- from the server to the session ------------------------------------------------------------------------------

    async def _follow(self, event: StreamEvent, upstream: Upstream) -> None:
        match event:
            case Final(finalize_id=str(flush)):
                self._unanswered.discard(flush)
            case Connected():
                self._speech.opened(upstream.stream.ready, upstream.seconds(self._options.sample_rate))
                upstream.options = self._options
                upstream.keyterms = await self._service.connected(upstream.stream, self._options)
            case Reconnecting(error=StreamFailed(expired=True) as error):
                logger.info("%s; going on with a new stream", error)
            case Reconnecting():
                logger.warning("%s; attempt %d in %.1f s", event.error, event.attempt, event.delay)
                self._emit_error(api_error(event.error), recoverable=True)
            case Reconnected():
                self._service.offer = upstream.stream.ready  # another server may offer less, or more
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
