"""LiveKit's speech-to-text interface to an Auricle server."""

from __future__ import annotations

import asyncio
import ssl as tls
import weakref
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Unpack, cast

import aiohttp
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    ConversationItemAddedEvent,
    NotGivenOr,
    stt,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.stt import SpeechEvent, STTCapabilities
from livekit.agents.utils import AudioBuffer, is_given

from auricle import ClientOptions, ReconnectPolicy
from auricle.environment import server_urls
from auricle.protocol.settings import AS_SAID, Expect, Refine, TextFormat, TurnSettings, phrases

from ._audio import recording
from ._context import ChatTerms
from ._errors import only_api_errors
from ._recognize import recognize
from ._service import Service
from ._stream import SpeechStream
from .models import (
    OptionKeywords,
    STTOptions,
    TurnDetection,
    TurnMode,
    candidates,
    changes_asked_for,
    language_asked_for,
)

_DEFAULTS = TurnSettings()
# Since LiveKit 1.8.9 the session flushes when its voice detection reports the end of speech. With a final 30 ms after
# that it commits the turn 0.36 s after the end of speech, with one after 400 ms 0.70 s.
_NEWER_CAPABILITIES = {"keyterms", "chat_context", "manual_flush"} & {each.name for each in fields(STTCapabilities)}
"""What this plugin can do and not every version of LiveKit that it works with asks for."""


def _capabilities() -> STTCapabilities:
    newer: dict[str, Any] = dict.fromkeys(_NEWER_CAPABILITIES, True)
    return STTCapabilities(
        streaming=True, interim_results=True, aligned_transcript="word", offline_recognize=True, **newer
    )


class STT(stt.STT[None]):
    """Speech-to-text by an Auricle server.

    Who detects the end of a turn is chosen here and in the session, and the two must agree:

    - ``turn_detection="session"``, the default, with a session whose ``turn_handling`` leaves ``turn_detection`` out or
      sets it to ``"vad"``, ``"manual"`` or a turn detector: the session asks for the final when it finds a pause, and
      the answer takes milliseconds.
    - ``turn_detection="server"`` with ``turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}``:
      the server has already waited for `silence_ms` of silence, or in semantic mode until the turn has probably ended.

    A lost connection is restored without the session, which gets a recoverable error; what was said meanwhile is
    recognised then. When `reconnect` gives up, LiveKit's own retries go on with the same stream, and after the last of
    them its failover. In a room, frames of 20 ms at 16 kHz give the smallest delay:
    ``RoomOptions(audio_input=AudioInputOptions(sample_rate=16000, frame_size_ms=20))``.

    A server whose model cannot favour key terms refuses a stream that starts with some (`keyterms` here). Later ones,
    from `update_options`, from the session's ``stt_context_options`` or its detection, end no stream: the refusal is
    logged once, no more are sent, and ``capabilities.keyterms``, true until then, is false for later sessions.

    A string such as ``stt="auricle/..."`` in a session does not come here: LiveKit asks its own inference service for
    models that are named by strings. Give the session an `STT`.

    Args:
        url: Address of the server, ``ws://host:port`` or ``wss://host:port``; or several in the order of preference,
            of which the next is tried when one is full, unreachable or failing. By default the variable
            ``AURICLE_URL``, and without that ``ws://127.0.0.1:8765``.
        base_url: Another name of `url`, that of other plugins.
        api_key: Sent as a bearer token, for servers that ask for one; by default the variable ``AURICLE_API_KEY``.
        turn_detection: Who detects the end of a turn, see above.
        language: See `STTOptions`, as for all that is not explained here.
        detect_language: The same as ``language="auto"``, as in other plugins.
        languages: See `STTOptions`.
        latency_ms: See `STTOptions`.
        turn_mode: See `STTOptions`.
        silence_ms: See `STTOptions`.
        eager_silence_ms: See `STTOptions`.
        end_threshold: See `STTOptions`.
        eager_threshold: See `STTOptions`.
        min_silence_ms: See `STTOptions`.
        max_silence_ms: See `STTOptions`.
        max_turn_seconds: See `STTOptions`.
        expect: See `STTOptions`.
        keyterms: See `STTOptions`.
        context_keyterms: How many names and rare words of the conversation's last messages are favoured as well, after
            the user's key terms and the session's. The session forwards its messages unless its
            ``stt_context_options`` say ``"forward_chat_context": False``; 0 takes none.
        refine: See `STTOptions`.
        text_format: See `STTOptions`.
        sample_rate: See `STTOptions`.
        model: See `STTOptions`.
        reconnect: How long a lost connection is tried again, and how much audio is kept for it.
        answer_timeout: Seconds without any event after which a server that owes a final counts as lost; None for never.
        ssl: Context for wss, for a server whose certificate a private authority has signed.
        trust_env: Whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY are followed, see `auricle.ClientOptions`.
        http_session: Used for the connections and left open; by default the job's, and outside a job one of our own.

    Raises:
        ValueError: An option is out of range, or needs ``turn_detection="server"``; or a url is not valid.
    """

    def __init__(
        self,
        *,
        url: str | Sequence[str] | None = None,
        base_url: str | Sequence[str] | None = None,
        api_key: str | None = None,
        turn_detection: TurnDetection = "session",
        language: str | None = None,
        detect_language: bool = False,
        languages: Sequence[str] | None = None,
        latency_ms: int | None = None,
        turn_mode: TurnMode = "silence",
        silence_ms: int = _DEFAULTS.silence_ms,
        eager_silence_ms: int | None = None,
        end_threshold: float = _DEFAULTS.end_threshold,
        eager_threshold: float | None = None,
        min_silence_ms: int = _DEFAULTS.min_silence_ms,
        max_silence_ms: int = _DEFAULTS.max_silence_ms,
        max_turn_seconds: float | None = None,
        expect: Expect = "none",
        keyterms: Sequence[str] = (),
        context_keyterms: int = 50,
        refine: Refine = "off",
        text_format: TextFormat = AS_SAID,
        sample_rate: int = 16_000,
        model: str | None = None,
        reconnect: ReconnectPolicy | None = None,
        answer_timeout: float | None = 5.0,
        ssl: tls.SSLContext | None = None,
        trust_env: bool = False,
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        super().__init__(capabilities=_capabilities())
        self._options = STTOptions(
            turn_detection=turn_detection,
            language=cast("str | None", language_asked_for(language, detect_language or NOT_GIVEN)),
            languages=candidates(languages),
            latency_ms=latency_ms,
            turn_mode=turn_mode,
            silence_ms=silence_ms,
            eager_silence_ms=eager_silence_ms,
            end_threshold=end_threshold,
            eager_threshold=eager_threshold,
            min_silence_ms=min_silence_ms,
            max_silence_ms=max_silence_ms,
            max_turn_seconds=max_turn_seconds,
            expect=expect,
            keyterms=phrases(keyterms),
            refine=refine,
            text_format=text_format,
            sample_rate=sample_rate,
            model=model,
        )
        client_options = ClientOptions(
            api_key=api_key,
            ssl=ssl,
            session=http_session,
            reconnect=reconnect or ReconnectPolicy(),
            answer_timeout=answer_timeout,
            trust_env=trust_env,
        )
        self._service = Service(server_urls(url, base_url), client_options, self._options.keyterms)
        if context_keyterms < 0:
            raise ValueError(f"context_keyterms: expected 0 or more, got {context_keyterms}")
        self._context_keyterms = context_keyterms
        self._conversation = ChatTerms(context_keyterms, self._context_changed)
        # Weak: a stream belongs to the session that asked for it, and this set must not keep it alive.
        self._streams: weakref.WeakSet[SpeechStream] = weakref.WeakSet()

    @property
    def capabilities(self) -> STTCapabilities:
        """What LiveKit may ask for; `keyterms` and `chat_context` are true until a server has refused key terms."""
        self._capabilities.keyterms = self._service.takes_keyterms
        self._capabilities.chat_context = self._service.takes_keyterms and self._context_keyterms > 0
        return self._capabilities

    @property
    def model(self) -> str:
        """Name of the model that the server runs; ``"auricle"`` before the first connection, or `prewarm`."""
        return self._options.model or self._service.model or "auricle"

    @property
    def provider(self) -> str:
        """``"Auricle"``."""
        return "Auricle"

    @property
    def options(self) -> STTOptions:
        """The options in force."""
        return self._options

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> SpeechStream:
        """Starts to recognise one participant; connects in the background.

        Args:
            language: For this stream, instead of that of the options.
            conn_options: The timeout of an attempt to connect, and how often LiveKit tries again: until the first
                connection, and when `reconnect` has given up.
        """
        options = self._options_with(language)
        stream = SpeechStream(stt=self, service=self._service, options=options, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    def update_options(self, **options: Unpack[OptionKeywords]) -> None:
        """Changes options of live and later streams; they have the meaning that they have in the constructor.

        Live streams change in band: nothing reconnects, no audio is lost, and the audio before the call is recognised
        with the options before it. `SpeechStream.update_options` changes those of one participant.

        Args:
            **options: Any of `OptionKeywords`; ``language=None`` goes back to the model's default.

        Raises:
            ValueError: An option is out of range, or the server does not offer its value.
            TypeError: There is no such option, or it cannot change.
        """
        changes = changes_asked_for(options)
        self._service.check(changes)
        self._options = replace(self._options, **changes)
        for stream in self._streams:
            stream.change(changes)

    def prewarm(self) -> None:
        """Opens the TCP and TLS connection that the first stream will use, and learns the name of the model.

        Call it early, while the agent joins the room. It does nothing outside a running event loop, or without an HTTP
        session of the job or the caller that could keep the connection.
        """
        self._service.prewarm()

    async def aclose(self) -> None:
        """Ends all streams; a given `http_session` stays open."""
        self._conversation.close()
        await self._service.aclose()
        await asyncio.gather(*(stream.aclose() for stream in list(self._streams)))

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        """Called by the framework with the session's key terms, which are added to the user's."""
        self._service.set_session_keyterms(keyterms)
        self._send_keyterms()

    def _push_conversation_item(self, ev: ConversationItemAddedEvent) -> None:
        """Called by the framework with each message of the conversation."""
        if isinstance(ev.item, ChatMessage) and (text := ev.item.text_content):
            self._conversation.add(text)

    def _context_changed(self) -> None:
        self._service.context_keyterms = self._conversation.terms
        self._send_keyterms()

    def _send_keyterms(self) -> None:
        if self._service.takes_keyterms:
            for stream in self._streams:
                stream.change_keyterms()

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> SpeechEvent:
        options = self._options_with(language)
        with only_api_errors():
            audio = recording(buffer, options.sample_rate)
            return await recognize(self._service, options, audio, conn_options.timeout)

    def _options_with(self, language: NotGivenOr[str]) -> STTOptions:
        return replace(self._options, language=language, languages=()) if is_given(language) else self._options
