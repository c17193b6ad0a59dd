"""LiveKit's speech-to-text interface to an Auricle server."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from statistics import fmean

import aiohttp
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, NotGivenOr, stt
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType, STTCapabilities
from livekit.agents.utils import AudioBuffer, aio, http_context, is_given

from auricle import Final, Ready, ReconnectPolicy, Stream, connect
from auricle.transport import STREAM_PATH, stream_url

from ._audio import mono, pcm
from ._clock import AudioClock
from ._errors import only_api_errors
from ._events import SpeechEvents
from ._stream import SpeechStream, talking
from .log import logger
from .models import OptionChanges, STTOptions, TurnDetection

_CAPABILITIES = STTCapabilities(
    streaming=True,
    interim_results=True,
    aligned_transcript="word",
    offline_recognize=True,
    manual_flush=True,
)


class STT(stt.STT[None]):
    """Speech-to-text by an Auricle server.

    Who decides that a turn has ended is chosen here and in the session, and the two have to agree:

    ================================  =====================================================================
    ``STT(turn_detection=...)``       ``AgentSession(turn_handling={"turn_detection": ...})``
    ================================  =====================================================================
    ``"session"`` (the default)       left out, ``"vad"``, ``"manual"`` or a turn detector. The session asks
                                      for the final when it finds a pause; the answer takes milliseconds.
    ``"server"``                      ``"stt"``, with ``"endpointing": {"min_delay": 0.0}``: the server has
                                      already waited for `silence_ms` of silence.
    ================================  =====================================================================

    A lost connection is restored beneath the session, which is told of a recoverable error, and what was said meanwhile
    is recognised then. When `reconnect` gives up, LiveKit's own retries and its failover begin. In a room, frames of
    20 ms at 16 kHz keep the delay smallest:
    ``RoomOptions(audio_input=AudioInputOptions(sample_rate=16000, frame_size_ms=20))``.

    Args:
        url: Address of the server, ``ws://host:port`` or ``wss://host:port``.
        api_key: Sent as a bearer token, for servers that ask for one.
        turn_detection: Who decides that a turn has ended, see above.
        language: BCP-47 code, ``"auto"`` where the model detects the language, or None for the model's default.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
            A smaller one gives earlier words, a larger one fewer errors.
        silence_ms: With ``turn_detection="server"``, the milliseconds without a word after which a turn has ended.
        sample_rate: Samples per second of the audio that is sent; frames of another rate are resampled before.
        reconnect: How long a lost connection is tried again, and how much audio is kept for it.
        http_session: Used for the connections and left open; by default the job's, and outside a job one of our own.

    Raises:
        ValueError: An option is out of range, or `url` is none.
    """

    def __init__(
        self,
        *,
        url: str = "ws://127.0.0.1:8765",
        api_key: str | None = None,
        turn_detection: TurnDetection = "session",
        language: str | None = None,
        latency_ms: int | None = None,
        silence_ms: int = 500,
        sample_rate: int = 16_000,
        reconnect: ReconnectPolicy | None = None,
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        super().__init__(capabilities=replace(_CAPABILITIES))
        self._options = STTOptions(turn_detection, language, latency_ms, silence_ms, sample_rate)
        self._url = stream_url(url)
        self._api_key = api_key
        self._reconnect = reconnect or ReconnectPolicy()
        self._http_session = http_session
        self._streams: weakref.WeakSet[SpeechStream] = weakref.WeakSet()
        self._offer: Ready | None = None
        self._prewarming: asyncio.Task[None] | None = None

    @property
    def model(self) -> str:
        """Name of the model that the server runs; ``"auricle"`` until it has said."""
        return self._offer.model if self._offer else "auricle"

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
        """Starts to recognise one participant; connects at once.

        Args:
            language: For this stream, instead of the one of the options.
            conn_options: The timeout of an attempt to connect, and how often LiveKit tries again when `reconnect` has
                given up.
        """
        options = self._options_with(language)
        stream = SpeechStream(stt=self, open_stream=self._open, options=options, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    def update_options(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        latency_ms: NotGivenOr[int] = NOT_GIVEN,
        silence_ms: NotGivenOr[int] = NOT_GIVEN,
    ) -> None:
        """Changes options of live streams and of those to come.

        Live streams take them over in band: nothing reconnects, no audio is lost, and the audio before the call is
        recognised as before.

        Raises:
            ValueError: Out of range, or not among what the server has said that it offers.
        """
        changes: OptionChanges = {}
        if is_given(language):
            changes["language"] = language
        if is_given(latency_ms):
            changes["latency_ms"] = latency_ms
        if is_given(silence_ms):
            changes["silence_ms"] = silence_ms
        self._check_offered(changes)
        self._options = replace(self._options, **changes)
        for stream in self._streams:
            stream.change(changes)

    def prewarm(self) -> None:
        """Opens the TCP and TLS connection that the first stream will use, where an HTTP session is shared.

        Call it early, while the room is being joined. It does nothing where there is no place to keep a connection:
        outside a running event loop, or without a session of the job's or the caller's.
        """
        session = self._shared_session() if _in_event_loop() else None
        if session is not None and self._prewarming is None:
            self._prewarming = asyncio.create_task(_warm_up(session, self._url), name="auricle prewarm")

    async def aclose(self) -> None:
        """Ends all streams; an `http_session` that was given stays open."""
        if self._prewarming is not None:
            await aio.cancel_and_wait(self._prewarming)
        await asyncio.gather(*(stream.aclose() for stream in list(self._streams)))

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> SpeechEvent:
        frame = mono(rtc.combine_audio_frames(buffer))
        options = replace(self._options_with(language), turn_detection="session", sample_rate=frame.sample_rate)
        speech = SpeechEvents(AudioClock(), server_turns=False)
        with only_api_errors():
            async with self._open(options, conn_options.timeout) as stream:
                speech.opened(stream.ready, 0.0)
                async with talking(stream, _say(stream, pcm(frame))):
                    finals = [event async for event in stream if isinstance(event, Final)]
        data = _joined([speech.transcript(final) for final in finals])
        return SpeechEvent(SpeechEventType.FINAL_TRANSCRIPT, stream.ready.session, [data])

    @asynccontextmanager
    async def _open(self, options: STTOptions, timeout: float) -> AsyncIterator[Stream]:
        async with connect(
            self._url,
            start=options.start(),
            api_key=self._api_key,
            session=self._shared_session(),
            reconnect=self._reconnect,
            connect_timeout=timeout,
        ) as stream:
            self._offer = stream.ready
            yield stream

    def _options_with(self, language: NotGivenOr[str]) -> STTOptions:
        return replace(self._options, language=language) if is_given(language) else self._options

    def _check_offered(self, changes: OptionChanges) -> None:
        if self._offer is None:
            return
        offered = {"language": self._offer.languages, "latency_ms": self._offer.latencies_ms}
        for name, values in offered.items():
            value = changes.get(name)
            if value is not None and value not in values:
                raise ValueError(f"{name}: the server offers {', '.join(map(str, values))}, not {value}")

    def _shared_session(self) -> aiohttp.ClientSession | None:
        if self._http_session is not None:
            return self._http_session
        try:
            return http_context.http_session()
        except RuntimeError:  # outside a job there is none
            return None


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _warm_up(session: aiohttp.ClientSession, url: str) -> None:
    """Leaves a connection to the server in the session's pool."""
    try:
        async with session.get(url.removesuffix(STREAM_PATH) + "/healthz") as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        logger.info("could not connect ahead of the first stream: %s", error)


async def _say(stream: Stream, audio: bytes) -> None:
    await stream.send(audio)
    await stream.finalize()
    await stream.end()


def _joined(parts: list[SpeechData]) -> SpeechData:
    spoken = [part for part in parts if part.text] or parts[:1]
    return replace(
        spoken[-1],
        text=" ".join(part.text for part in spoken),
        start_time=spoken[0].start_time,
        confidence=fmean(part.confidence for part in spoken),
        words=[word for part in spoken for word in part.words or ()] or None,
    )
