"""LiveKit's speech-to-text interface to an Auricle server."""

from __future__ import annotations

import asyncio
import ssl as tls
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import aiohttp
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, NotGivenOr, stt
from livekit.agents.stt import SpeechEvent, SpeechEventType, STTCapabilities
from livekit.agents.utils import AudioBuffer, is_given

from auricle import ClientOptions, Connected, Error, Final, ReconnectPolicy, Stream
from auricle.protocol.settings import Refine, TurnSettings, phrases

from ._audio import AudioClock, mono, pcm
from ._errors import only_api_errors
from ._events import SpeechEvents, joined
from ._service import Service
from ._stream import SpeechStream, sending
from .models import OptionChanges, STTOptions, TurnDetection, TurnMode, language_asked_for

_DEFAULTS = TurnSettings()
# `manual_flush`, since LiveKit 1.8.9: the session then flushes when its voice detection reports the end of speech. With
# a final 30 ms after the flush it commits the turn 0.36 s after the end of speech, with one after 400 ms 0.70 s.
_CAPABILITIES = STTCapabilities(
    streaming=True,
    interim_results=True,
    aligned_transcript="word",
    offline_recognize=True,
    keyterms=True,
    manual_flush=True,
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

    Args:
        url: Address of the server, ``ws://host:port`` or ``wss://host:port``; or several in the order of preference,
            of which the next is tried when one is full, unreachable or failing.
        api_key: Sent as a bearer token, for servers that ask for one.
        turn_detection: Who detects the end of a turn, see above.
        language: BCP-47 code in any usual form or an English name, ``"auto"`` where the model detects the language, or
            None for the model's default. A locale that the model does not have falls back to the closest one that it
            has. In a final with several languages, `SpeechData.language` is that of most speech, and
            `SpeechData.source_languages` are all of them, that one first.
        detect_language: The same as ``language="auto"``, as in other plugins.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
            A smaller one gives earlier words, a larger one fewer errors.
        turn_mode: With ``turn_detection="server"``, how it detects the end: ``"silence"``, by silence alone; or
            ``"semantic"``, by the words and the sound, so that a turn that is complete ends soon, and one that breaks
            off in mid-sentence gets time.
        silence_ms: In ``"silence"`` mode, the milliseconds without a word after which a turn has ended.
        eager_silence_ms: In ``"silence"`` mode, the milliseconds without a word, 80 up to less than `silence_ms`, after
            which the session gets the words so far as a PREFLIGHT and starts its answer ahead, if its
            ``preemptive_generation`` is on. It uses the answer when the turn ends with these words, and drops it when
            the speaker goes on. None for never.
        end_threshold: In ``"semantic"`` mode, the probability, from 0 to 1, from which on a turn has ended. A smaller
            one answers sooner, a larger one interrupts less.
        eager_threshold: In ``"semantic"`` mode, a lower one from which on the session gets a PREFLIGHT; None for never.
        min_silence_ms: In ``"semantic"`` mode, no turn ends with fewer milliseconds of silence, not even eagerly.
        max_silence_ms: In ``"semantic"`` mode, every turn ends with this many.
        keyterms: Phrases to favour, where the server's model can.
        refine: Whether finals are decoded a second time, as accurately as at the model's longest latency, while
            interims and turn ends come at that of `latency_ms`: ``"off"``, ``"on"``, or ``"auto"``, while the server
            has time to spare. ``metadata["refined"]`` of a final's `SpeechData` says which were.
        sample_rate: Samples per second of the audio that is sent; frames of another rate are resampled.
        reconnect: How long a lost connection is tried again, and how much audio is kept for it.
        ssl: Context for wss, for a server whose certificate a private authority has signed.
        http_session: Used for the connections and left open; by default the job's, and outside a job one of our own.

    Raises:
        ValueError: An option is out of range, or needs ``turn_detection="server"``; or a url is not valid.
    """

    def __init__(
        self,
        *,
        url: str | Sequence[str] = "ws://127.0.0.1:8765",
        api_key: str | None = None,
        turn_detection: TurnDetection = "session",
        language: str | None = None,
        detect_language: bool = False,
        latency_ms: int | None = None,
        turn_mode: TurnMode = "silence",
        silence_ms: int = _DEFAULTS.silence_ms,
        eager_silence_ms: int | None = None,
        end_threshold: float = _DEFAULTS.end_threshold,
        eager_threshold: float | None = None,
        min_silence_ms: int = _DEFAULTS.min_silence_ms,
        max_silence_ms: int = _DEFAULTS.max_silence_ms,
        keyterms: Sequence[str] = (),
        refine: Refine = "off",
        sample_rate: int = 16_000,
        reconnect: ReconnectPolicy | None = None,
        ssl: tls.SSLContext | None = None,
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        # A copy, because `capabilities` changes it once a server has refused key terms.
        super().__init__(capabilities=replace(_CAPABILITIES))
        self._options = STTOptions(
            turn_detection=turn_detection,
            language=cast("str | None", language_asked_for(language, detect_language or NOT_GIVEN)),
            latency_ms=latency_ms,
            turn_mode=turn_mode,
            silence_ms=silence_ms,
            eager_silence_ms=eager_silence_ms,
            end_threshold=end_threshold,
            eager_threshold=eager_threshold,
            min_silence_ms=min_silence_ms,
            max_silence_ms=max_silence_ms,
            keyterms=phrases(keyterms),
            refine=refine,
            sample_rate=sample_rate,
        )
        client_options = ClientOptions(
            api_key=api_key, ssl=ssl, session=http_session, reconnect=reconnect or ReconnectPolicy()
        )
        self._service = Service(url, client_options, self._options.keyterms)
        # Weak: a stream belongs to the session that asked for it, and this set must not keep it alive.
        self._streams: weakref.WeakSet[SpeechStream] = weakref.WeakSet()

    @property
    def capabilities(self) -> STTCapabilities:
        """What LiveKit may ask for; `STTCapabilities.keyterms` is true until a server has refused key terms."""
        self._capabilities.keyterms = self._service.takes_keyterms
        return self._capabilities

    @property
    def model(self) -> str:
        """Name of the model that the server runs; ``"auricle"`` before the first connection."""
        return self._service.offer.model if self._service.offer else "auricle"

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

    def update_options(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        detect_language: NotGivenOr[bool] = NOT_GIVEN,
        latency_ms: NotGivenOr[int] = NOT_GIVEN,
        turn_mode: NotGivenOr[TurnMode] = NOT_GIVEN,
        silence_ms: NotGivenOr[int] = NOT_GIVEN,
        eager_silence_ms: NotGivenOr[int | None] = NOT_GIVEN,
        end_threshold: NotGivenOr[float] = NOT_GIVEN,
        eager_threshold: NotGivenOr[float | None] = NOT_GIVEN,
        min_silence_ms: NotGivenOr[int] = NOT_GIVEN,
        max_silence_ms: NotGivenOr[int] = NOT_GIVEN,
        keyterms: NotGivenOr[Sequence[str]] = NOT_GIVEN,
        refine: NotGivenOr[Refine] = NOT_GIVEN,
    ) -> None:
        """Changes options of live and later streams; they have the meaning that they have in the constructor.

        Live streams change in band: nothing reconnects, no audio is lost, and the audio before the call is recognised
        with the options before it.

        Raises:
            ValueError: An option is out of range, or the server does not offer its value.
        """
        asked = {
            "language": language_asked_for(language, detect_language),
            "latency_ms": latency_ms,
            "turn_mode": turn_mode,
            "silence_ms": silence_ms,
            "eager_silence_ms": eager_silence_ms,
            "end_threshold": end_threshold,
            "eager_threshold": eager_threshold,
            "min_silence_ms": min_silence_ms,
            "max_silence_ms": max_silence_ms,
            "keyterms": phrases(keyterms) if is_given(keyterms) else keyterms,
            "refine": refine,
        }
        changes = cast("OptionChanges", {name: value for name, value in asked.items() if is_given(value)})
        self._service.check(changes)
        self._options = replace(self._options, **changes)
        for stream in self._streams:
            stream.change(changes)

    def prewarm(self) -> None:
        """Opens the TCP and TLS connection that the first stream will use.

        Call it early, while the agent joins the room. It does nothing outside a running event loop, or without an HTTP
        session of the job or the caller that could keep the connection.
        """
        self._service.prewarm()

    async def aclose(self) -> None:
        """Ends all streams; a given `http_session` stays open."""
        await self._service.aclose()
        await asyncio.gather(*(stream.aclose() for stream in list(self._streams)))

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        """Called by the framework with the session's key terms, which are added to the user's."""
        self._service.set_session_keyterms(keyterms)
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
        frame = mono(rtc.combine_audio_frames(buffer))
        options = replace(self._options_with(language).decided_by_session(), sample_rate=frame.sample_rate)
        with only_api_errors():
            async with (
                self._service.client(conn_options.timeout) as client,
                self._service.stream(client, lambda: options) as stream,
            ):
                finals = await self._finals(stream, options, pcm(frame))
        speech = SpeechEvents(AudioClock(), server_turns=False)
        speech.opened(stream.ready, 0.0)
        data = joined([speech.transcript(final) for final in finals])
        return SpeechEvent(SpeechEventType.FINAL_TRANSCRIPT, stream.ready.session, [data])

    async def _finals(self, stream: Stream, options: STTOptions, audio: bytes) -> list[Final]:
        finals: list[Final] = []
        connected = asyncio.Event()
        async with sending(stream, _send_all(stream, connected, audio)):
            async for event in stream:
                match event:
                    case Connected():
                        await self._service.connected(stream, options)
                        connected.set()
                    case Final():
                        finals.append(event)
                    case Error():
                        self._service.refused(event)
        return finals

    def _options_with(self, language: NotGivenOr[str]) -> STTOptions:
        return replace(self._options, language=language) if is_given(language) else self._options


async def _send_all(stream: Stream, connected: asyncio.Event, audio: bytes) -> None:
    # The key terms are sent at `Connected`; audio before them would be recognised without them.
    await connected.wait()
    await stream.send(audio)
    await stream.finalize()
    await stream.end()
