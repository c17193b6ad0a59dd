"""Recognition of a whole recording, in the server's offline lane."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents.stt import SpeechEvent, SpeechEventType

from auricle import Connected, Error, Final, Stream

from ._audio import AudioClock, pcm
from ._events import SpeechEvents, joined
from ._sending import sending
from ._service import Service
from .models import STTOptions


async def recognize(service: Service, options: STTOptions, audio: rtc.AudioFrame, timeout: float) -> SpeechEvent:
    """The transcript of a recording.

    As offline audio it is sent as fast as the server reads and decoded with the model's largest look-ahead, while no
    live stream needs the server's time.

    Args:
        service: Opens the stream.
        options: How to recognise; turns and the latency do not matter to a recording.
        audio: Mono, at a rate that the protocol has.
        timeout: Seconds for one attempt to connect.

    Raises:
        AuricleError: No server accepts the recording, or it is lost.
    """
    start = options.recording(audio.sample_rate)
    async with service.client(timeout) as client, service.stream(client, lambda: start) as stream:
        finals = await _finals(service, stream, options, pcm(audio))
    speech = SpeechEvents(AudioClock(), server_turns=False, languages=options.languages)
    speech.opened(stream.ready, 0.0)
    data = joined([speech.transcript(final) for final in finals])
    return SpeechEvent(SpeechEventType.FINAL_TRANSCRIPT, stream.ready.session, [data])


async def _finals(service: Service, stream: Stream, options: STTOptions, audio: bytes) -> list[Final]:
    finals: list[Final] = []
    connected = asyncio.Event()
    async with sending(stream, _send_all(stream, connected, audio)):
        async for event in stream:
            match event:
                case Connected():
                    await service.connected(stream, options)
                    connected.set()
                case Final():
                    finals.append(event)
                case Error():
                    service.refused(event)
    return finals


async def _send_all(stream: Stream, connected: asyncio.Event, audio: bytes) -> None:
    # The key terms are sent at `Connected`; audio before them would be recognised without them.
    await connected.wait()
    await stream.send(audio)
    # So that there is a final even when nothing was said.
    await stream.finalize()
    await stream.end()
