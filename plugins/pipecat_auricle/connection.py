"""A service with a line to a server: when it connects and hangs up, and what it tells Pipecat of the line."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator
from typing import Any

from loguru import logger
from pipecat.frames.frames import CancelFrame, EndFrame, Frame
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.utils.errors import ErrorCategory

from auricle import AuricleClient, ReconnectPolicy
from auricle.errors import AuricleError
from auricle.events import Reconnected, Reconnecting, StreamEvent
from auricle.protocol.client_messages import End, Finalize, Start
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    Ready,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from pipecat_auricle.errors import category_of
from pipecat_auricle.frames import StreamedSTTService
from pipecat_auricle.line import Line

_SAMPLE_BYTES = 2
_SETUP_SECONDS = 15.0  # Pipecat gives up a pipeline whose setup takes 20
_END_SECONDS = 3.0
"""How long a pipeline's end waits for the last words, beyond the time in which a silent server is given up."""


class ConnectedSTTService(StreamedSTTService):
    """An STT service on a `Line`.

    Args:
        client: Opens the streams.
        reconnect: When to try again, and how much audio to keep for it.
        answer_timeout: Seconds after which the client gives up a server that is silent; None for never.
        **kwargs: For `StreamedSTTService`.
    """

    def __init__(
        self, *, client: AuricleClient, reconnect: ReconnectPolicy, answer_timeout: float | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._end_seconds = _END_SECONDS + (answer_timeout or 0.0)
        self._client = client
        self._reconnect_policy = reconnect
        self._ready: Ready | None = None
        self._connected = False
        self._line: Line | None = None
        self._line_task: asyncio.Task[None] | None = None
        self._watch_task: asyncio.Task[None] | None = None

    @abstractmethod
    def start_message(self) -> Start:
        """The message that opens the next stream, from the settings as they are now."""

    @abstractmethod
    async def _hear_refusal(self, event: Error) -> None:
        """The server could not follow an update, and goes on as it was."""

    # --- life --------------------------------------------------------------------------------------------------------

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # Pipecat's own narrowing
        """Connects. A server that is not there yet is tried again in the background."""
        await super().setup(setup)
        self._watch_task = self.create_task(self._watch_for_loose_words(), "loose words")
        line = self._open_line()
        try:
            await asyncio.wait_for(line.settled.wait(), _SETUP_SECONDS)
        except TimeoutError:
            logger.warning(f"{self}: the server has not answered yet; the pipeline starts without it")

    async def stop(self, frame: EndFrame) -> None:
        """Waits for the last words, so that they go down the pipeline ahead of its end."""
        await self._fall_silent()
        if self._line is not None and self._line_task is not None and self._line.is_open:
            self._line.say(End())
            await asyncio.wait([self._line_task], timeout=self._end_seconds)
        await self._hear_nothing_more()
        await super().stop(frame)
        await self._hang_up()

    async def cancel(self, frame: CancelFrame) -> None:
        """Hangs up."""
        await super().cancel(frame)
        await self._hang_up()

    async def cleanup(self) -> None:
        """Hangs up, if nothing else has."""
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat leaves it unannotated
        await self._hang_up()

    async def set_usable(self, is_usable: bool) -> None:
        """Follows Pipecat's verdict; a service that is given another chance connects again."""
        again = is_usable and not self.is_usable
        await super().set_usable(is_usable)
        if again and self._line is not None and self._line.over:
            self._open_line()

    def _open_line(self) -> Line:
        held_bytes = round(self._reconnect_policy.replay_seconds * self.sample_rate) * _SAMPLE_BYTES
        self._line = Line(self._client, self._reconnect_policy, self, held_bytes)
        self._line_task = self.create_task(self._keep(self._line), "line")
        return self._line

    async def _keep(self, line: Line) -> None:
        try:
            await line.run()
        except Exception as error:  # noqa: BLE001  # a service that is deaf for an unknown reason must say so
            await self.push_error(f"{self} broke: {error}", exception=error, force_treat_as_permanent=True)

    async def _hang_up(self) -> None:
        await self._fall_silent()
        task, self._line, self._line_task = self._line_task, None, None
        if task is not None:
            await self.cancel_task(task)
        await self._client.aclose()
        await self._tell(connected=False)

    async def _fall_silent(self) -> None:
        """Nothing is said any more that the pipeline has not said."""
        task, self._watch_task = self._watch_task, None
        if task is not None:
            await self.cancel_task(task)
        await self._cancel_keepalive_task()

    # --- to the server -----------------------------------------------------------------------------------------------

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Sends audio; the transcripts come by themselves."""
        if self._line is not None:
            # Half a sample at the end would be refused, and with it the stream.
            self._line.say(audio[: len(audio) // _SAMPLE_BYTES * _SAMPLE_BYTES])
        yield None

    def _say_finalize(self, finalize: Finalize) -> bool:
        if self._line is None or not self.is_usable:
            return False
        self._line.say(finalize)
        return True

    def _is_keepalive_ready(self) -> bool:
        return self._line is not None and self._line.is_open

    async def _send_keepalive(self, silence: bytes) -> None:
        if self._line is not None:
            self._line.say(silence)
            self._record_stt_audio_usage(silence)

    # --- from the line -----------------------------------------------------------------------------------------------

    def on_offer(self, ready: Ready) -> None:
        """What the server offers that the stream is at from now on: another one, after a return, may offer less."""
        logger.debug(f"{self}: stream {ready.session} on {ready.model}, {ready.latency_ms} ms, {ready.language}")
        self._ready = ready
        self._settings.model = ready.model
        self._sync_model_name_to_metrics()

    async def on_open(self, ready: Ready) -> None:
        """A stream is open."""
        if self._keepalive_timeout is None:
            # A microphone that is switched off sends nothing, and the server takes that for a client that is gone.
            self._keepalive_timeout = self._keepalive_interval = ready.limits.idle_seconds / 3
        if self._keepalive_task is None:
            self._create_keepalive_task()
        await self._tell(connected=True)

    async def on_event(self, event: StreamEvent) -> None:
        """The stream has something to tell."""
        match event:
            case SpeechStarted():
                await self._hear_speech()
            case Interim():
                await self._hear_interim(event)
            case Final():
                await self._hear_final(event)
            case TurnEagerEnd():
                await self._hear_eager_end(event)
            case TurnResumed():
                await self._cancel_eager_end_of_turn()
            case TurnEnd():
                await self._hear_turn_end()
            case Error():
                await self._hear_refusal(event)
            case Reconnecting():
                await self._hear_reconnecting(event)
            case Reconnected():
                await self._hear_reconnected(event)

    async def on_failure(self, error: AuricleError, *, final: bool) -> None:
        """There is no stream any more, and what was heard by halves will not be completed."""
        await self._hear_nothing_more()
        await self._tell(connected=False)
        await self._call_event_handler("on_connection_error", str(error))
        await self.push_error(f"{self}: {error}", exception=error, force_treat_as_permanent=final)

    async def _hear_reconnecting(self, event: Reconnecting) -> None:
        logger.warning(f"{self}: {event.error}; attempt {event.attempt} to reconnect in {event.delay:.1f} s")
        await self._tell(connected=False)

    async def _hear_reconnected(self, event: Reconnected) -> None:
        how = "where it was" if event.resumed else "from its last final on"
        logger.info(f"{self}: reconnected, {how}; {event.replayed_seconds:.1f} s replayed")
        if event.lost_seconds:
            logger.warning(f"{self}: {event.lost_seconds:.1f} s of audio are lost; the outage was longer than is kept")
        await self._tell(connected=True)

    async def _tell(self, *, connected: bool) -> None:
        if connected is not self._connected:
            self._connected = connected
            await self._call_event_handler("on_connected" if connected else "on_disconnected")

    def _classify_error(self, exception: Exception) -> ErrorCategory | None:
        return category_of(exception)
