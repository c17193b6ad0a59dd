"""What the service gives to its pipeline: frames, metrics, errors and event handlers."""

from __future__ import annotations

from typing import Any

from pipecat.frames import frames as pipecat_frames
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.turns.eager_end_of_turn_mixin import EagerEndOfTurnSTTServiceMixin
from pipecat.utils.tracing.service_decorators import traced_stt

from auricle import Ready
from pipecat_auricle import frames
from pipecat_auricle.settings import AuricleSTTSettings
from pipecat_auricle.transcription_state import TranscriptionState
from pipecat_auricle.turns.no_words import NoWordsFrame

HANDLERS = (
    "on_speech_started",
    "on_start_of_turn",
    "on_eager_end_of_turn",
    "on_turn_resumed",
    "on_end_of_turn",
    "on_no_words",
)
"""All get the service. `on_speech_started` and `on_turn_resumed` get nothing else; `on_no_words` gets the start and the
end of the voice in seconds, or None twice; the others get the transcript of the turn so far."""

TurnEvent = tuple[str, tuple[str | float | None, ...]]
"""The name of a handler, and its arguments after the service."""


class TurnEvents:
    """Follows one pipeline's turns; with Pipecat's turn detection there are none, apart from voices without words."""

    def __init__(self) -> None:
        self._open = self._announced = self._eager = False
        self._finals: list[str] = []

    def follow(self, frame: pipecat_frames.Frame) -> list[TurnEvent]:
        """The handlers to call after `frame`, in order."""
        if isinstance(frame, NoWordsFrame):
            return [("on_no_words", (frame.start, frame.end))]
        return self._turn(frame)

    def _turn(self, frame: pipecat_frames.Frame) -> list[TurnEvent]:
        match frame:
            case pipecat_frames.ProposedUserStartedSpeakingFrame() if not self._open:
                self._open, self._announced, self._eager, self._finals = True, False, False, []
                return [("on_speech_started", ())]
            case pipecat_frames.InterimTranscriptionFrame() | pipecat_frames.TranscriptionFrame() if self._open:
                return self._words(frame)
            case pipecat_frames.EagerTranscriptionFrame() if self._open:
                self._eager = True
                return [("on_eager_end_of_turn", (self._transcript(frame.text),))]
            case pipecat_frames.EagerEndOfTurnCancelFrame() if self._eager:
                self._eager = False
                return [("on_turn_resumed", ())]
            # A stop that a muted aggregator ignored is proposed twice.
            case pipecat_frames.ProposedUserStoppedSpeakingFrame() if self._open:
                self._open = self._eager = False
                return [("on_end_of_turn", (self._transcript(),))]
        return []

    def _words(
        self, frame: pipecat_frames.InterimTranscriptionFrame | pipecat_frames.TranscriptionFrame
    ) -> list[TurnEvent]:
        start: list[TurnEvent] = [] if self._announced else [("on_start_of_turn", (frame.text,))]
        self._announced = True
        if isinstance(frame, pipecat_frames.TranscriptionFrame):
            self._finals.append(frame.text)
        return start

    def _transcript(self, rest: str = "") -> str:
        return " ".join(filter(None, [*self._finals, rest.strip()]))


class TranscriptionOutput(EagerEndOfTurnSTTServiceMixin, STTService):
    """A service without its input: `_push` takes the frames and actions of `Recognition`, in order.

    Args:
        state: What the pipeline got before.
        should_interrupt: With the server's turn detection, whether the start of a turn interrupts the bot.
        **kwargs: For Pipecat's classes.
    """

    _settings: AuricleSTTSettings

    def __init__(self, *, state: TranscriptionState, should_interrupt: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._state = state
        self._should_interrupt = should_interrupt
        self._turn_events = TurnEvents()
        self._strategies_outdated = False
        self._voice_analysed = False
        for name in HANDLERS:
            self._register_event_handler(name)

    def can_generate_metrics(self) -> bool:
        """The service reports time to first byte and usage."""
        return True

    @property
    def supports_ttfs(self) -> bool:
        """Whether the time from the end of speech to the final is a latency: with the server's turns it is silence."""
        return not self._state.server_turns

    def service_metadata_frame(self) -> pipecat_frames.STTMetadataFrame:
        """What the pipeline should know: the latency, or the turn strategies that follow the server."""
        frame = super().service_metadata_frame()
        if self._state.server_turns:
            strategies = self.recommended_user_turn_strategies(enable_interruptions=self._should_interrupt)
            frame.user_turn_strategies = strategies
        return frame

    def language_to_service_language(self, language: Language) -> str:
        """The BCP-47 code that the server knows the language by."""
        return str(Language(language).value)

    async def _push(self, *items: frames.Output) -> None:
        for item in items:
            match item:
                case pipecat_frames.TranscriptionFrame():
                    await self._push_transcription(item)
                case pipecat_frames.EagerTranscriptionFrame(user_id=user_id, language=language, result=result):
                    await self._push_eager_end_of_turn(item.text, user_id=user_id, language=language, result=result)
                case pipecat_frames.EagerEndOfTurnCancelFrame():
                    await self._cancel_eager_end_of_turn()
                case pipecat_frames.ProposedUserStartedSpeakingFrame():
                    if self._strategies_outdated:  # not before: strategies that are replaced forget an open turn
                        self._strategies_outdated = False
                        await self.broadcast_service_metadata()
                    await self.broadcast_frame(pipecat_frames.ProposedUserStartedSpeakingFrame)
                case pipecat_frames.ProposedUserStoppedSpeakingFrame():
                    self._clear_eager_end_of_turn()  # Pipecat itself compares the eager words with the final ones
                    await self.broadcast_frame_instance(item)
                case pipecat_frames.Frame():
                    await self.push_frame(item)
                case _:
                    await self._act(item)
            for name, arguments in self._turn_events.follow(item) if isinstance(item, pipecat_frames.Frame) else ():
                await self._call_event_handler(name, *arguments)

    async def _push_transcription(self, frame: pipecat_frames.TranscriptionFrame) -> None:
        await self.emit_stt_usage_metrics()  # first: tracing puts them on the span that the frame closes
        if frame.finalized and not self._state.server_turns:
            frame.finalized = False  # the base sets it, unless the user has begun to speak again
            self.confirm_finalize()
        await self.push_frame(frame)
        await self._handle_transcription(frame.text, True, frame.language)

    @traced_stt
    async def _handle_transcription(self, transcript: str, is_final: bool, language: Language | None = None) -> None:
        """Pipecat's tracing makes a span of each call."""

    async def _act(self, action: frames.Action) -> None:
        match action:
            case frames.FinalRequested():
                self.request_finalize()
            case frames.NothingTranscribed() if self._last_transcript_time:
                await self.stop_ttfb_metrics()
                await self._cancel_ttfb_timeout()
            case frames.NothingTranscribed(words):
                await self._reset_stt_ttfb_state()
                # A server that analyses the sound says it by itself, with the times.
                if not (words or self._state.server_turns or (self._state.turn.no_words and self._voice_analysed)):
                    await self._push(NoWordsFrame())
            case frames.ConnectionChanged(None):
                await self._call_event_handler("on_disconnected")
            case frames.ConnectionChanged(Ready() as ready):
                await self._follow_server(ready)
            case frames.Problem(message, category, error, permanent):
                if error is not None:
                    await self._call_event_handler("on_connection_error", message)
                text = f"{self}: {message}"
                await self.push_error(text, category=category, exception=error, force_treat_as_permanent=permanent)

    async def _follow_server(self, ready: Ready) -> None:
        self._settings.model = ready.model
        self._voice_analysed = "voice" in ready.turn_signals
        self._sync_model_name_to_metrics()
        if self._keepalive_timeout is None:
            # A microphone that is off sends nothing, and the server ends a stream from which nothing comes.
            self._keepalive_timeout = self._keepalive_interval = ready.limits.idle_seconds / 3
        if self._keepalive_task is None:
            self._create_keepalive_task()
        await self._call_event_handler("on_connected")
