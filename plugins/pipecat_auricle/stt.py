"""The service that an agent puts into its pipeline."""

from __future__ import annotations

import asyncio
import ssl as tls
import time
from collections.abc import AsyncGenerator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import aiohttp
from loguru import logger
from pipecat.frames import frames as pipecat_frames
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.settings import STTSettings
from pipecat.turns.user_stop import EagerMatchPolicy

from auricle import AuricleClient, ClientOptions, ReconnectPolicy, Start
from auricle.environment import server_urls
from pipecat_auricle import frames
from pipecat_auricle.audio_format import AudioConverter
from pipecat_auricle.connection import ServiceConnection
from pipecat_auricle.conversation import ConversationTerms, begin_conversation
from pipecat_auricle.eager_match import SameWords
from pipecat_auricle.failover import Failover, FailoverMode
from pipecat_auricle.live_settings import LiveSettings
from pipecat_auricle.output import TranscriptionOutput, TurnEvents
from pipecat_auricle.recognition import FOLLOWED_FRAMES, Recognition
from pipecat_auricle.settings import TTFS_P99, AuricleSTTSettings, TurnDetection, eager
from pipecat_auricle.transcription_state import TranscriptionState
from pipecat_auricle.turns.backchannels import BACKCHANNEL_THRESHOLD

_SETUP_SECONDS = 15.0  # Pipecat gives up a pipeline whose setup takes 20
_END_SECONDS = 3.0  # for the last words, beyond the time in which a silent server is given up
_DEFAULT_POLICY = ReconnectPolicy()


class AuricleSTTService(TranscriptionOutput):
    """Streaming speech-to-text by an Auricle server.

    `TurnDetection` says who detects turns. Turn strategies that the application names win over those of the service.

    A broken connection is restored without a lost or repeated word; `on_disconnected` and `on_connected` report it. An
    error frame, and `on_connection_error`, report what could not be restored.

    Args:
        url: ``ws://host:port`` or ``wss://host:port``; of several, the next one when one is full or does not answer.
            By default the variable ``AURICLE_URL``, and without that ``ws://127.0.0.1:8765``.
        base_url: Another name of `url`, that of other services.
        api_key: For a server that asks for one; by default the variable ``AURICLE_API_KEY``.
        turn_detection: ``"vad"`` or ``"server"``.
        settings: What differs from the defaults; an `STTUpdateSettingsFrame` changes them at run time.
        should_interrupt: With the server's turn detection, whether the start of a turn interrupts the bot.
        backchannel_threshold: Probability, from 0 to 1, from which on words like "mm-hm" are a `UserBackchannelFrame`
            and no transcript, while the bot speaks; None for never.
        eager_match_policy: Whether an answer to an eager end of turn is kept; by default, when the words are the same.
        ttfs_p99_latency: Measured seconds from the end of speech to the final, with Pipecat's turn detection.
        context: Of the language model. The names and rare words of its messages are key terms, after those of the
            settings, and follow the conversation; None for the settings' alone.
        context_keyterms: How many key terms the context gives at most.
        stall_timeout: Seconds after which a final that should have come by itself is asked for, see `Recognition`.
        reconnect: When to try again, and how much audio to keep for it.
        failover: Who decides when the servers are given up, see `FailoverMode`.
        connect_timeout: Seconds for one attempt.
        answer_timeout: Seconds without any event after which a server that owes a final counts as lost; None for never.
        ssl: Context for wss.
        trust_env: Whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY are followed, see `auricle.ClientOptions`.
        http_session: An aiohttp session to use; without one, the service makes its own.
        **kwargs: For Pipecat's `STTService`, such as ``sample_rate``; the pipeline's by default.

    Raises:
        ValueError: The url is not valid, or a setting or `context_keyterms` is out of range.
    """

    Settings = AuricleSTTSettings
    _converter: AudioConverter  # of each pipeline: `setup` tells the rate

    def __init__(
        self,
        *,
        url: str | Sequence[str] | None = None,
        base_url: str | Sequence[str] | None = None,
        api_key: str | None = None,
        turn_detection: TurnDetection = "vad",
        settings: AuricleSTTSettings | None = None,
        should_interrupt: bool = True,
        backchannel_threshold: float | None = BACKCHANNEL_THRESHOLD,
        eager_match_policy: EagerMatchPolicy | None = None,
        ttfs_p99_latency: float | None = TTFS_P99,
        context: LLMContext | None = None,
        context_keyterms: int = 50,
        stall_timeout: float = 1.0,
        reconnect: ReconnectPolicy = _DEFAULT_POLICY,
        failover: FailoverMode = "auto",
        connect_timeout: float = 10.0,
        answer_timeout: float | None = 5.0,
        ssl: tls.SSLContext | None = None,
        trust_env: bool = False,
        http_session: aiohttp.ClientSession | None = None,
        **kwargs: Any,
    ) -> None:
        self._live_settings = live = LiveSettings(settings, turn_detection)
        super().__init__(
            state=TranscriptionState(live.turn, backchannel_threshold),
            should_interrupt=should_interrupt,
            settings=live.settings,
            ttfs_p99_latency=ttfs_p99_latency,
            enable_eager_end_of_turn=eager(live.turn),
            eager_match_policy=eager_match_policy or SameWords(),
            **kwargs,
        )
        # A full server is not a broken one: it is asked again for as long as the pipeline runs.
        self._policy = replace(reconnect, wait_while_full=True)
        options = ClientOptions(api_key=api_key, ssl=ssl, session=http_session, trust_env=trust_env)
        options = replace(options, connect_timeout=connect_timeout, answer_timeout=answer_timeout)
        options = replace(options, trace_context=self._conversation_span)
        self._client = AuricleClient(server_urls(url, base_url), options, reconnect=self._policy)
        self._end_seconds = _END_SECONDS + (answer_timeout or 0.0)
        self._backchannel_threshold = backchannel_threshold
        self._failover = Failover(failover, self)
        self._conversation = ConversationTerms(context, context_keyterms)
        self._stall_timeout = stall_timeout
        self._trace: Any = None
        self._recognition: Recognition | None = None
        self._reader_task: asyncio.Task[None] | None = None

    def start_message(self) -> Start:
        """The message that opens the next stream, from the settings as they are now."""
        return self._live_settings.start_message(self.sample_rate)

    def _conversation_span(self) -> Any:
        return None if self._trace is None else self._trace.get_conversation_context()

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # Pipecat's own narrowing
        """Connects; a server that does not answer in time is tried again in the background."""
        await super().setup(setup)
        # Nothing of an earlier pipeline is left: its clock, its words, its muted user.
        self._state = TranscriptionState(self._live_settings.turn, self._backchannel_threshold)
        self._turn_events = TurnEvents()
        self._strategies_outdated = False
        self._clear_eager_end_of_turn()
        self._converter = AudioConverter(self.sample_rate)
        self._failover.begin(setup.pipeline_worker.pipeline)
        self._trace = begin_conversation(setup)
        if not await self._connect().has_settled(_SETUP_SECONDS):
            logger.warning(f"{self}: the server has not answered yet; the pipeline starts without it")

    async def stop(self, frame: pipecat_frames.EndFrame) -> None:
        """Waits for the last words, so that they go down the pipeline before its end."""
        await self._cancel_keepalive_task()
        if self._recognition is not None:
            await self._recognition.finish(self._end_seconds)
            await self._push(*self._recognition.cut_short())
        await super().stop(frame)
        await self._disconnect()

    async def cancel(self, frame: pipecat_frames.CancelFrame) -> None:
        """Disconnects at once."""
        await super().cancel(frame)
        await self._disconnect()

    async def cleanup(self) -> None:
        """Disconnects, if that has not happened yet."""
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat leaves it unannotated
        await self._disconnect()

    async def set_usable(self, is_usable: bool) -> None:
        """Follows Pipecat's verdict; a service that is given another chance connects again."""
        again = is_usable and not self.is_usable
        await super().set_usable(is_usable)
        if again and self._recognition is not None and self._recognition.connection.over:
            self._connect()

    def _connect(self) -> Recognition:
        self._failover.recover()
        self._conversation.connected()
        connection = ServiceConnection(self._client, self._policy, self.start_message, self._converter)
        self._recognition = Recognition(
            connection, self._state, self._live_settings, self._stall_timeout, lambda: self._failover.fails_fast
        )
        self._reader_task = self.create_task(self._read(self._recognition), "recognition")
        return self._recognition

    async def _disconnect(self) -> None:
        await self._cancel_keepalive_task()
        task, recognition, self._reader_task, self._recognition = self._reader_task, self._recognition, None, None
        if task is not None:
            await self.cancel_task(task)
        if recognition is not None:
            await self._push(*await recognition.aclose())
        await self._client.aclose()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[pipecat_frames.Frame | None, None]:
        """Sends audio; the transcripts come by themselves."""
        if self._recognition is not None:
            connection = self._recognition.connection
            before = connection.audio_seconds
            connection.send_audio(audio)
            self._state.speakers.add(self._user_id, before, connection.audio_seconds)
        yield None

    @property
    def _is_muted(self) -> bool:
        return self._muted or self._state.user_muted

    async def process_audio_frame(self, frame: pipecat_frames.InputAudioRawFrame, direction: FrameDirection) -> None:
        """Brings audio to the stream's rate and one channel, and drops it while the user is muted.

        Pipecat's mute strategies stop frames, but not audio (#4383).
        """
        if self._is_muted:
            return
        converted = copy(frame)  # not `frame` itself, which also goes down the pipeline
        converted.audio = self._converter.convert(frame.audio, frame.sample_rate or 0, frame.num_channels or 1)
        if converted.audio or not frame.audio:  # all of a short frame may wait in the resampler
            await super().process_audio_frame(converted, direction)

    async def process_frame(self, frame: pipecat_frames.Frame, direction: FrameDirection) -> None:
        """Does what the base does, and follows the voice detection, the mute switches and a switcher."""
        await super().process_frame(frame, direction)
        if self._recognition is None:
            return
        if not (self._is_muted and isinstance(frame, pipecat_frames.InputAudioRawFrame)):
            self._failover.follow(frame, *self._recognition.connection.awaited_audio)
        if self._recognition.connection.is_open and self._conversation.is_due(time.monotonic()):
            await self._send_context_terms(self._recognition)
        if isinstance(frame, FOLLOWED_FRAMES):
            await self._push(*await self._recognition.follow(frame, stt_muted=self._muted))
        elif isinstance(frame, pipecat_frames.ServiceSwitcherRequestMetadataFrame):
            self._recognition.connection.retry()  # this service was in reserve, and is in use from now on

    async def _update_settings(self, delta: STTSettings) -> dict[str, Any]:  # type: ignore[override]  # as Pipecat
        delta = self._live_settings.without_model(delta)
        objection = self._live_settings.objection(delta)
        if objection is not None:
            await self._push(frames.Problem(f"settings not changed: {objection}"))
            return {}
        changed = await super()._update_settings(delta)
        update = self._live_settings.record(changed)
        self._state.turn = self._live_settings.turn
        if eager(self._state.turn) is not self.eager_end_of_turn_enabled:
            await self._cancel_eager_end_of_turn()
            self._enable_eager_end_of_turn = eager(self._state.turn)
            self._strategies_outdated = True
        if update is not None and self._recognition is not None:
            await self._recognition.update(update)
        return changed

    async def _send_context_terms(self, recognition: Recognition) -> None:
        self._live_settings.context_terms = self._conversation.terms
        update = self._live_settings.keyterms_update()
        if update is not None:
            await recognition.update(update)

    def _is_keepalive_ready(self) -> bool:
        return self._recognition is not None and self._recognition.connection.is_open

    async def _send_keepalive(self, silence: bytes) -> None:
        if self._recognition is not None:
            self._recognition.connection.send_audio(silence)
            self._record_stt_audio_usage(silence)

    async def _read(self, recognition: Recognition) -> None:
        try:
            async for output in recognition:
                await self._push(output)
        except Exception as error:  # noqa: BLE001  # a bug must be reported, not end recognition silently
            await self._push(*await recognition.aclose())
            await self.push_error(f"{self} broke: {error}", exception=error, force_treat_as_permanent=True)

    async def _act(self, action: frames.Action) -> None:
        if not isinstance(action, frames.StreamGivenUp):
            await super()._act(action)
        elif self._recognition is not None:
            handed_over, shown = await self._failover.hand_over(), self._recognition.cut_short()
            if not handed_over:
                await self._push(*shown)
                if any(isinstance(item, pipecat_frames.TranscriptionFrame) for item in shown):
                    self._failover.forget()  # a later switch must not repeat them
