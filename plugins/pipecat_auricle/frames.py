"""From the server's events to Pipecat's frames, and from Pipecat's frames to finalizes."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import Any

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMuteFrame,
    TranscriptionFrame,
    UserMuteStartedFrame,
    UserMuteStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.turns.eager_end_of_turn_mixin import EagerEndOfTurnSTTServiceMixin
from pipecat.utils.time import time_now_iso8601
from pipecat.utils.tracing.service_decorators import traced_stt

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import Final, Interim, TurnEagerEnd
from auricle.protocol.settings import TurnSettings
from pipecat_auricle.transcription_state import TranscriptionState

_LANGUAGES = {language.value: language for language in Language}


class StreamedSTTService(EagerEndOfTurnSTTServiceMixin, STTService):
    """What the events of a stream become in a pipeline, whatever the stream is.

    A subclass gives events to the ``_hear_*`` methods, runs `_watch_for_loose_words` in a task, and sends what
    `_say_finalize` is given.

    Args:
        turn: How the server decides on turns; ``"off"`` where Pipecat does.
        **kwargs: For Pipecat's `STTService` and its `EagerEndOfTurnSTTServiceMixin`.
    """

    def __init__(self, *, turn: TurnSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._turns_by_server = turn.mode != "off"
        self._speech = TranscriptionState(turn)
        self._heard = asyncio.Event()
        self._heard_language: Language | None = None
        self._user_muted = False
        self._stop_unheard = False
        self._strategies_outdated = False

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # Pipecat's own narrowing
        """Forgets what an earlier pipeline left behind: its clock, its words, its muted user."""
        await super().setup(setup)
        self._speech = TranscriptionState(self._speech.turn)
        self._heard.clear()
        self._user_muted = self._stop_unheard = self._strategies_outdated = False
        self._clear_eager_end_of_turn()

    @abstractmethod
    def _say_finalize(self, finalize: Finalize) -> bool:
        """Sends a finalize behind the audio so far; returns whether there is a stream to answer it."""

    @abstractmethod
    def _patience(self) -> float:
        """Seconds after the last word that was heard in which a final or an end of turn would come by itself."""

    # --- from the pipeline -------------------------------------------------------------------------------------------

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Follows the voice activity detection and the mute switches beside what the base does."""
        was_deaf = self._deaf
        await super().process_frame(frame, direction)
        match frame:
            case VADUserStartedSpeakingFrame():
                self._speech.vad_started()
            case VADUserStoppedSpeakingFrame():
                self._vad_stopped()
            case UserMuteStartedFrame() | UserMuteStoppedFrame():
                self._user_muted = isinstance(frame, UserMuteStartedFrame)
                await self._mute_switched(was_deaf)
            case STTMuteFrame():
                await self._mute_switched(was_deaf)

    async def process_audio_frame(self, frame: InputAudioRawFrame, direction: FrameDirection) -> None:
        """Drops audio while the user is muted: the aggregator's mute strategies stop frames, not what we would hear."""
        if not self._user_muted:
            await super().process_audio_frame(frame, direction)

    @property
    def _deaf(self) -> bool:
        return self._muted or self._user_muted

    def _vad_stopped(self) -> None:
        self._speech.vad_stopped()
        if not self._turns_by_server:
            self._finalize()

    def _finalize(self) -> None:
        """Asks for the final that ends the utterance."""
        if self._say_finalize(self._speech.ask(awaited=True)):
            self.request_finalize()

    async def _mute_switched(self, was_deaf: bool) -> None:
        if self._deaf and not was_deaf:
            # A muted aggregator hears neither the end of the turn nor that the speaker goes on.
            await self._cancel_eager_end_of_turn()
            # What was said before belongs to the user's words; what follows must not be joined to them.
            self._say_finalize(self._speech.ask(awaited=False))
        if not self._user_muted and self._stop_unheard:
            self._stop_unheard = False
            await self._propose_stop()

    # --- from the stream ---------------------------------------------------------------------------------------------

    async def _hear_speech(self) -> None:
        """The first word of a turn."""
        if self._speech.open_turn():
            self._heard.set()
            await self._renew_strategies()
            await self.broadcast_frame(ProposedUserStartedSpeakingFrame)

    async def _hear_interim(self, event: Interim) -> None:
        if not self._speech.shows(event):
            return
        # A turn that the server opened before the user was muted goes on without a second start.
        await self._hear_speech()
        self._heard.set()
        self._heard_language = language = _language(event.language)
        text = event.text.strip()
        await self.push_frame(
            InterimTranscriptionFrame(text, self._user_id, time_now_iso8601(), language, result=event)
        )

    async def _hear_final(self, event: Final) -> None:
        if event.text.strip():
            await self._hear_speech()
        verdict = self._speech.settle(event)
        if verdict.text:
            await self._push_transcription(event, verdict.text, last=verdict.last)
        elif verdict.answered:
            await self._nothing_more()
        if verdict.ends_turn:
            await self._end_turn()

    async def _hear_eager_end(self, event: TurnEagerEnd) -> None:
        """The turn has probably ended: the model may begin to answer."""
        words = self._speech.guess(event)
        if words is not None and not self._deaf:
            await self._push_eager_end_of_turn(
                words, user_id=self._user_id, language=self._heard_language, result=event
            )

    async def _hear_turn_end(self) -> None:
        """The turn is over, and its last final was heard before."""
        self._speech.turn_ended()
        await self._end_turn()

    async def _end_turn(self) -> None:
        if self._speech.turn_open:
            self._speech.turn_open = False
            # Pipecat compares what was guessed with what was said.
            self._clear_eager_end_of_turn()
            # A muted aggregator hears no proposal, and would keep the turn open for the rest of the call.
            self._stop_unheard = self._user_muted
            await self._propose_stop()

    async def _hear_nothing_more(self) -> None:
        """The stream is gone: what was shown is all there will be of it."""
        text = self._speech.cut_short()
        if text:
            await self.emit_stt_usage_metrics()
            await self._push_words(TranscriptionFrame(text, self._user_id, time_now_iso8601(), self._heard_language))
        await self._end_turn()

    async def _push_transcription(self, event: Final, text: str, *, last: bool) -> None:
        language = _language(event.language)
        frame = TranscriptionFrame(text, self._user_id, time_now_iso8601(), language, result=event)
        # Usage goes first: tracing puts it on the span that the frame closes.
        await self.emit_stt_usage_metrics()
        if self._turns_by_server:
            frame.finalized = last
        elif last:
            self.confirm_finalize()
        await self._push_words(frame)
        await self._handle_transcription(text, True, language)

    async def _push_words(self, frame: TranscriptionFrame) -> None:
        # The interruption that these very words bring about must not sweep them out of a queue on the way.
        frame.interruptible = False
        await self.push_frame(frame)

    async def _enable_eager_ends(self, enabled: bool) -> None:
        if enabled is not self.eager_end_of_turn_enabled:
            await self._cancel_eager_end_of_turn()
            self._enable_eager_end_of_turn = enabled
            self._strategies_outdated = True

    async def _renew_strategies(self) -> None:
        """Recommends turn strategies again when others are wanted by now; between turns, because they forget theirs."""
        if self._strategies_outdated:
            self._strategies_outdated = False
            await self.broadcast_service_metadata()

    async def _propose_stop(self) -> None:
        frame = ProposedUserStoppedSpeakingFrame()
        frame.interruptible = False
        await self.broadcast_frame_instance(frame)

    async def _nothing_more(self) -> None:
        """The finalize found no words that had no final before."""
        if self._last_transcript_time:
            await self.stop_ttfb_metrics()
            await self._cancel_ttfb_timeout()
        else:
            await self._reset_stt_ttfb_state()

    @traced_stt
    async def _handle_transcription(self, transcript: str, is_final: bool, language: Language | None = None) -> None:
        """Pipecat's tracing hangs on this method; the span is its own."""

    async def _watch_for_loose_words(self) -> None:
        """Sees to it that no words stay without a final.

        With Pipecat's turns, words too soft for its voice detection are followed by no stop; with the server's, audio
        that dries up in mid-turn stops the clock on which the turn would end. Either way the user's turn would hang.
        """
        while True:
            await self._heard.wait()
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), self._patience())
            except TimeoutError:
                if self._speech.owed and self._may_help():
                    self._finalize()
                elif self._speech.owed:
                    self._heard.set()  # look again later

    def _may_help(self) -> bool:
        """Whether to ask. While a turn of the server's hears audio it will end; a busy server only takes longer."""
        return not self._turns_by_server or time.monotonic() - self._last_audio_time >= self._patience()


def _language(code: str) -> Language | None:
    """Pipecat's name of what is spoken: of the locale, else (Arabic) of the language; None while it is not known."""
    return _LANGUAGES.get(code) or _LANGUAGES.get(code.partition("-")[0])
