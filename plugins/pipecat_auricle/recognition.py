"""Recognition for one pipeline: what is sent to the server, and the frames and actions that come of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    STTMuteFrame,
    UserMuteStartedFrame,
    UserMuteStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from auricle.errors import AuricleError, ConnectionFailed, ServerFull, ServerRestarting
from auricle.events import Connected, Reconnected, Reconnecting, StreamEvent
from auricle.protocol.client_messages import End, Finalize, Update
from auricle.protocol.codes import NOTICES
from auricle.protocol.server_messages import Error, Ready
from pipecat_auricle.connection import ServiceConnection
from pipecat_auricle.errors import category_of
from pipecat_auricle.frames import (
    ConnectionChanged,
    FinalRequested,
    Output,
    Problem,
    StreamGivenUp,
    frames_for,
    frames_for_lost_stream,
    frames_for_mute,
)
from pipecat_auricle.live_settings import LiveSettings
from pipecat_auricle.transcription_state import TranscriptionState

FOLLOWED_FRAMES = (
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
    UserMuteStartedFrame,
    UserMuteStoppedFrame,
    STTMuteFrame,
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
)
"""The frames of `Recognition.follow`. Most frames are audio, so the service looks before it calls."""


RESUME_SECONDS = 1.0
"""For a lost connection, where the framework has another service: a resumption on the same server takes two round trips
and at most 0.2 s of delay."""
CONNECT_SECONDS = 4.0
"""For the first connection, likewise: a server that does not answer by then would hold up the pipeline's start."""


class Recognition:
    """Iterate over it for the frames and actions, in order, until the stream ends or fails for good.

    It asks for a final not only when Pipecat's voice detection reports a stop. No stop follows words that are too soft
    for that detection; and with the server's turn detection, audio that ceases in mid-turn stops the clock on which the
    turn would end. In both cases the turn would hang until Pipecat's watchdog ends it, after 5 s.

    Args:
        connection: The stream.
        state: What the pipeline got before.
        settings: Of the service; takes what the server offers and refuses.
        stall_timeout: Seconds that words may stay without a final beyond the time in which one comes by itself.
        fails_fast: Whether a failure now is one for the framework, see `Failover`. A lost connection then has
            `RESUME_SECONDS` to come back; a full server, or one that was never reached, has no second attempt.

    Attributes:
        connection: As given.
        patience: Seconds after the latest words within which their final, or the end of their turn, comes by itself.
    """

    def __init__(
        self,
        connection: ServiceConnection,
        state: TranscriptionState,
        settings: LiveSettings,
        stall_timeout: float,
        fails_fast: Callable[[], bool] = lambda: False,
    ) -> None:
        self.connection = connection
        self._settled = asyncio.Event()
        self._finished = asyncio.Event()
        self._connected = False
        self._state = state
        self._settings = settings
        self._stall_timeout = stall_timeout
        self.patience = 0.0
        self._update_patience()
        self._outputs: deque[Output] = deque()
        self._started = False
        self._stall_at: float | None = None
        self._fails_fast = fails_fast
        self._outage: AuricleError | None = None
        self._give_up_at: float | None = None

    async def update(self, update: Update) -> None:
        """Sends changed settings."""
        self._update_patience()
        await self.connection.send(update)

    def _update_patience(self) -> None:
        # After a change of the settings or of the server, and not for each event: interims come with every chunk.
        self.patience = self._settings.latency_seconds + self._state.longest_silence + self._stall_timeout

    # --- from the pipeline -------------------------------------------------------------------------------------------

    async def follow(self, frame: Frame, *, stt_muted: bool) -> list[Output]:
        """Follows the voice detection, the mute switches and the bot; returns the frames and actions for them."""
        match frame:
            case BotStartedSpeakingFrame() | BotStoppedSpeakingFrame():
                self._state.bot_speaking = isinstance(frame, BotStartedSpeakingFrame)
            case VADUserStartedSpeakingFrame():
                self._state.vad_started()
            case VADUserStoppedSpeakingFrame():
                return await self._send_finalize(self._state.vad_stopped())
            case UserMuteStartedFrame() | UserMuteStoppedFrame():
                return await self._mute(stt=stt_muted, user=isinstance(frame, UserMuteStartedFrame))
            case STTMuteFrame():
                return await self._mute(stt=stt_muted, user=self._state.user_muted)
        return []

    async def _mute(self, *, stt: bool, user: bool) -> list[Output]:
        finalize = self._state.set_muted(stt=stt, user=user)
        await self._send_finalize(finalize)
        return frames_for_mute(self._state, begins=finalize is not None)

    async def _send_finalize(self, finalize: Finalize | None) -> list[Output]:
        if finalize is None or not await self.connection.send(finalize):
            return []
        return [FinalRequested()] if self._state.awaits(finalize) else []

    async def finish(self, seconds: float) -> None:
        """Says that no more audio will come, and waits until the last outputs were taken, at most so long."""
        if self.connection.is_open and await self.connection.send(End()):
            await _is_set(self._finished, seconds)

    async def has_settled(self, seconds: float) -> bool:
        """Waits for the first attempt to connect, at most so long; returns whether it has succeeded or failed."""
        return await _is_set(self._settled, seconds)

    def cut_short(self) -> list[Output]:
        """The frames and actions when no more events will come: the words of the latest interim become final."""
        return frames_for_lost_stream(self._state)

    async def aclose(self) -> list[Output]:
        """Drops the stream at once; returns the action for it."""
        await self.connection.aclose()
        self._finish()
        return self._changed(None)

    # --- to the pipeline ---------------------------------------------------------------------------------------------

    def __aiter__(self) -> Recognition:
        return self

    async def __anext__(self) -> Output:
        try:
            while not self._outputs:
                self._outputs.extend(await self._next())
        # Cancellation too: `finish` and `has_settled` must not wait for a reader that is gone.
        except BaseException:
            self._finish()
            raise
        return self._outputs.popleft()

    def _finish(self) -> None:
        self._settled.set()
        self._finished.set()

    async def _next(self) -> list[Output]:
        # Only at the second call is it certain that the service has taken the outputs of the first event.
        if self._started:
            self._settled.set()
        if not self._started and self._fails_fast():
            self._outage = ConnectionFailed("timeout", f"no answer for {CONNECT_SECONDS:g} s")
            self._give_up_at = time.monotonic() + CONNECT_SECONDS
        self._started = True
        if self.connection.over:
            raise StopAsyncIteration
        deadline = min((at for at in (self._stall_at, self._give_up_at) if at is not None), default=None)
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                # The timeout cancels this call. That loses no event and ends nothing, unlike in an async generator.
                event = await anext(self.connection.events)
        except TimeoutError:
            if self._outage is not None and self._give_up_at is not None and self._give_up_at == deadline:
                return await self._give_up(self._outage)
            return await self._stalled()
        except StopAsyncIteration:
            self.connection.over = True
            raise
        except AuricleError as error:
            self.connection.over = True
            return self._failed(error)
        if isinstance(event, Reconnecting) and self._fails_fast():
            return await self._fail_fast(event)
        return self._outputs_for(event)

    async def _fail_fast(self, event: Reconnecting) -> list[Output]:
        if self.connection.ready is None or event.attempt > 1 or isinstance(event.error, ServerFull | ServerRestarting):
            return await self._give_up(event.error)
        self._give_up_at = time.monotonic() + RESUME_SECONDS
        return self._outputs_for(event)

    async def _give_up(self, error: AuricleError) -> list[Output]:
        self._give_up_at = None
        await self.connection.aclose()
        return self._failed(error)

    def _failed(self, error: AuricleError) -> list[Output]:
        problem = Problem(str(error), category_of(error), error, permanent=True)
        if self._fails_fast():  # in this order: the error makes a switcher change to the service that goes on
            return [*self._changed(None), problem, StreamGivenUp()]
        return [*self.cut_short(), *self._changed(None), problem]

    def _outputs_for(self, event: StreamEvent) -> list[Output]:
        match event:
            case Connected() | Reconnected():
                self._outage = self._give_up_at = None
                self._settings.ready = self.connection.connected(event)
                self._update_patience()
                return self._changed(self._settings.ready)
            case Reconnecting(error=error):
                self._outage = error
                problem = Problem(str(error), category_of(error), error)
                return [*self._changed(None), *([problem] if self.connection.reconnecting(event) else [])]
            case Error(code=code) if code in NOTICES:
                # An error frame may make a pipeline change to another service; a notice refuses nothing.
                logger.warning(f"{code}: {event.message}")
                return []
            case Error():
                # The application asked for a setting that this server does not have; the stream goes on.
                self._settings.restore_refused(event)
                self._update_patience()
                return [Problem(f"{event.code}: {event.message}")]
        frames = frames_for(event, self._state)
        if any(isinstance(frame, ProposedUserStartedSpeakingFrame | InterimTranscriptionFrame) for frame in frames):
            self._stall_at = time.monotonic() + self.patience
        return frames

    def _changed(self, ready: Ready | None) -> list[Output]:
        # An outage has many attempts; only the first of them changes anything.
        changed = self._connected or ready is not None
        self._connected = ready is not None
        return [ConnectionChanged(ready)] if changed else []

    async def _stalled(self) -> list[Output]:
        """No words have come for as long as `patience`: asks for their final, if nothing else would bring it."""
        self._stall_at = None
        if not self._state.awaits_final:
            return []
        if self._state.server_turns and not self._audio_has_stopped():
            # While audio comes, a turn of the server's ends by itself; if it is late, the server is only busy.
            self._stall_at = time.monotonic() + self.patience
            return []
        return await self._send_finalize(self._state.next_finalize(awaited=True))

    def _audio_has_stopped(self) -> bool:
        return time.monotonic() - self.connection.last_audio_at >= self.patience


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
