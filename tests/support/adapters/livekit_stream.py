"""Drives a recognition stream without a session: pushes audio, collects events."""

from __future__ import annotations

import asyncio

from livekit.agents.stt import RecognizeStream, SpeechEvent, SpeechEventType
from livekit.plugins import auricle

from tests.support.adapters.livekit_session import frames
from tests.support.levels import Audio
from tests.support.tones import Pcm

START, INTERIM, FINAL, END = (
    SpeechEventType.START_OF_SPEECH,
    SpeechEventType.INTERIM_TRANSCRIPT,
    SpeechEventType.FINAL_TRANSCRIPT,
    SpeechEventType.END_OF_SPEECH,
)


def push(stream: RecognizeStream, audio: Audio, frame_seconds: float = 0.02) -> None:
    for frame in frames(audio, frame_seconds):
        stream.push_frame(frame)


async def collect(stream: RecognizeStream) -> list[SpeechEvent]:
    """All events until the end; the input must have ended."""
    return [event async for event in stream if event.type is not SpeechEventType.RECOGNITION_USAGE]


async def up_to(stream: RecognizeStream, kind: SpeechEventType) -> list[SpeechEvent]:
    """The events up to the next of this kind; the number of interims among them depends on the reader's speed."""
    events: list[SpeechEvent] = []
    async with asyncio.timeout(5):
        while not events or events[-1].type is not kind:
            events.append(await anext(stream))
    return [event for event in events if event.type is not SpeechEventType.RECOGNITION_USAGE]


async def transcribe(stt: auricle.STT, *parts: Audio) -> list[SpeechEvent]:
    """Each part followed by a flush, the last one by the end of the input, which flushes too."""
    async with stt.stream() as stream:
        for part in parts[:-1]:
            push(stream, part)
            stream.flush()
        push(stream, parts[-1])
        stream.end_input()
        return await collect(stream)


def texts(events: list[SpeechEvent], kind: SpeechEventType = FINAL) -> list[str]:
    return [event.alternatives[0].text for event in events if event.type is kind]


class Heard:
    """A stream of any plug-in, and its events so far, which a test may look at meanwhile."""

    def __init__(self, stream: RecognizeStream) -> None:
        self.stream = stream
        self.events: list[SpeechEvent] = []
        self.task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        async for event in self.stream:
            self.events.append(event)

    def speak(self, pcm: Pcm) -> None:
        push(self.stream, Audio(pcm, 16_000, ()))

    async def end(self) -> None:
        """Ends the input, and waits for the last event."""
        self.stream.end_input()
        await asyncio.wait_for(self.task, 60)

    def of(self, *kinds: SpeechEventType) -> list[SpeechEvent]:
        return [event for event in self.events if event.type in kinds]

    @property
    def text(self) -> str:
        return " ".join(texts(self.events))
