"""The service that an agent puts into its pipeline."""

from __future__ import annotations

import ssl as tls
from collections.abc import Sequence
from typing import Any

import aiohttp
from pipecat.frames.frames import STTMetadataFrame
from pipecat.services.settings import STTSettings
from pipecat.transcriptions.language import Language
from pipecat.turns.user_stop import EagerMatchPolicy
from pipecat.utils.errors import ErrorCategory
from pipecat.utils.types import NOT_GIVEN, assert_given, is_given

from auricle import AuricleClient, ReconnectPolicy
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error, Ready
from pipecat_auricle.connection import ConnectedSTTService
from pipecat_auricle.eager_match import SameWords
from pipecat_auricle.errors import refused_setting
from pipecat_auricle.settings import (
    UPDATABLE,
    AuricleSTTSettings,
    TurnDetection,
    complete_settings,
    eager,
    objection,
    start_message,
    turn_settings,
    update_message,
)

TTFS_P99 = 0.35
"""Seconds from the end of speech to the final transcript, 99th percentile; Pipecat's voice detection takes 0.2 of them
to report the stop. With the demo model on two CPU cores, 160 utterances in real time had medians of 0.22 and 99th
percentiles of 0.23 to 0.24 at chunk latencies of 80 to 1120 ms (`tests/bench/bench_pipecat_finals.py`); the rest is for
the network and for a server with more to do."""

_DEFAULT_POLICY = ReconnectPolicy()


class AuricleSTTService(ConnectedSTTService):
    """Streaming speech-to-text by an Auricle server.

    Two ways to take turns:

    - ``turn_detection="vad"``: Pipecat decides, by its voice detection and turn strategies. Each stop of the voice
      detection has the server finalize what was said, which takes one engine step; the answer is marked as the last, so
      that the turn need not wait for a timeout.
    - ``turn_detection="server"``: the server decides, on the chunk clock: after `Settings.silence_ms` without a word,
      or with ``Settings.turn_mode="semantic"`` when by all that it heard the turn has probably ended. The service
      recommends the turn strategies that follow it; strategies that the application names win. With
      `Settings.eager_silence_ms`, in semantic mode `Settings.eager_threshold`, the model may begin to answer before the
      end is certain.

    A connection that breaks is mended with nothing lost and nothing doubled; `on_disconnected` and `on_connected` tell
    of it. An error frame tells of what could not be mended, and so does `on_connection_error`.

    Example:
        stt = AuricleSTTService(url="ws://localhost:8765", settings=AuricleSTTService.Settings(latency_ms=160))

    Args:
        url: ``ws://host:port`` or ``wss://host:port`` of the server, or of several: one that is full or does not answer
            is passed over for the next.
        api_key: Key, where the server asks for one.
        turn_detection: Who decides on turns, see above.
        settings: What differs from the defaults; changed at run time by an `STTUpdateSettingsFrame`.
        should_interrupt: With the server's turns, whether a turn's start interrupts the bot.
        eager_match_policy: With eager ends of turn, whether what was said is near enough to what was guessed to keep
            the answer; by default, whether the words are the same.
        ttfs_p99_latency: Measured seconds from the end of speech to the final transcript, with Pipecat's turns.
        stall_timeout: Seconds that words may stay without a final beyond the time in which one would come by itself;
            then the service asks for it. For words too soft for the voice detection, and audio that stops in mid-turn.
        reconnect: When to try again, and how much audio to keep for it.
        connect_timeout: Seconds for one attempt.
        answer_timeout: Seconds without any event after which a server that has a final to give is given up like one
            whose connection broke; None waits for ever.
        ssl: Context for wss.
        http_session: An aiohttp session to use instead of one of the service's own.
        **kwargs: For Pipecat's `STTService`, such as ``sample_rate``; the pipeline's by default.

    Raises:
        ValueError: The url is none, or a setting is out of range.
    """

    Settings = AuricleSTTSettings
    _settings: AuricleSTTSettings

    def __init__(
        self,
        *,
        url: str | Sequence[str] = "ws://127.0.0.1:8765",
        api_key: str | None = None,
        turn_detection: TurnDetection = "vad",
        settings: AuricleSTTSettings | None = None,
        should_interrupt: bool = True,
        eager_match_policy: EagerMatchPolicy | None = None,
        ttfs_p99_latency: float | None = TTFS_P99,
        stall_timeout: float = 1.0,
        reconnect: ReconnectPolicy = _DEFAULT_POLICY,
        connect_timeout: float = 10.0,
        answer_timeout: float | None = 5.0,
        ssl: tls.SSLContext | None = None,
        http_session: aiohttp.ClientSession | None = None,
        **kwargs: Any,
    ) -> None:
        complete = complete_settings(settings, turn_detection)
        turn = turn_settings(complete, turn_detection)
        client = AuricleClient(
            url,
            api_key=api_key,
            ssl=ssl,
            session=http_session,
            reconnect=reconnect,
            connect_timeout=connect_timeout,
            answer_timeout=answer_timeout,
        )
        super().__init__(
            client=client,
            reconnect=reconnect,
            answer_timeout=answer_timeout,
            turn=turn,
            settings=complete,
            ttfs_p99_latency=ttfs_p99_latency,
            enable_eager_end_of_turn=eager(turn),
            eager_match_policy=eager_match_policy or SameWords(),
            **kwargs,
        )
        self._turn_detection: TurnDetection = turn_detection
        self._should_interrupt = should_interrupt
        self._stall_timeout = stall_timeout
        self._replaced: dict[str, list[Any]] = {}

    def can_generate_metrics(self) -> bool:
        """The service reports time to first byte and usage."""
        return True

    @property
    def supports_ttfs(self) -> bool:
        """Whether there is a time from the end of speech to the final that is not the server's silence."""
        return not self._turns_by_server

    def service_metadata_frame(self) -> STTMetadataFrame:
        """What the pipeline should know: the latency, or the turn strategies that follow the server."""
        frame = super().service_metadata_frame()
        if self._turns_by_server:
            frame.user_turn_strategies = self.recommended_user_turn_strategies(
                enable_interruptions=self._should_interrupt
            )
        return frame

    def language_to_service_language(self, language: Language) -> str:
        """The BCP-47 code that the server knows the language by."""
        return str(Language(language).value)

    def start_message(self) -> Start:
        """The message that opens the next stream, from the settings as they are now."""
        return start_message(self._settings, self._turn_detection, self.sample_rate)

    async def _update_settings(self, delta: STTSettings) -> dict[str, Any]:  # type: ignore[override]  # as Pipecat
        if is_given(delta.model) and delta.model != self._settings.model:
            self._warn_unhandled_updated_settings({"model"})
        delta = delta.copy()
        delta.model = NOT_GIVEN
        problem = objection(self._settings, delta, self._turn_detection, self._ready)
        if problem is not None:
            await self.push_error(f"{self}: settings not changed: {problem}", category=ErrorCategory.APPLICATION)
            return {}
        changed = await super()._update_settings(delta)
        self._warn_unhandled_updated_settings(changed.keys() - UPDATABLE)
        names = changed.keys() & UPDATABLE
        for name in names:
            self._replaced.setdefault(name, []).append(changed[name])
        self._speech.turn = turn_settings(self._settings, self._turn_detection)
        await self._enable_eager_ends(eager(self._speech.turn))
        if names and self._line is not None:
            self._line.say(update_message(self._settings, self._turn_detection, names))
        return changed

    async def _hear_refusal(self, event: Error) -> None:
        name = refused_setting(event)
        if name is not None and self._ready is not None:
            self._take_back(name, self._ready)
        # The application asked for what this server has not; the stream itself is well.
        await self.push_error(f"{self}: {event.code}: {event.message}", category=ErrorCategory.APPLICATION)

    def _take_back(self, name: str, ready: Ready) -> None:
        """Restores the setting's last value that the server has: the next stream would not open with the other."""
        replaced = self._replaced.get(name, [])
        while replaced and not _has(ready, getattr(self._settings, name)):
            setattr(self._settings, name, replaced.pop())

    def _patience(self) -> float:
        latency_ms = assert_given(self._settings.latency_ms) or (self._ready.latency_ms if self._ready else 0)
        return latency_ms / 1000 + self._speech.longest_silence + self._stall_timeout


def _has(ready: Ready, value: int | str | Sequence[str] | None) -> bool:
    """Whether the server has this latency, language or list of key terms; it always has a default."""
    if value is None or isinstance(value, int | str):
        return value is None or ready.offers(value)
    return ready.offers(tuple(value))
