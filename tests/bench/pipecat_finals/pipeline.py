"""The pipeline that is measured: a microphone of our own, Pipecat's voice detection, the service, and two taps."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    MetricsFrame,
    StartFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.stt_service import STTService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from tests.bench.pipecat_finals.events import Event, FinalSeen, Ttfb, VadStop
from tests.bench.pipecat_finals.utterances import SAMPLE_RATE, Utterance

STOP_SECONDS = 0.2
FRAME_SECONDS = 0.02
WARM_UP_SECONDS = 1.0
_FRAME_BYTES = round(FRAME_SECONDS * SAMPLE_RATE) * 2
_END_SECONDS = 10.0


class TimedMicrophone(BaseInputTransport):
    """Delivers audio in frames of 20 ms, each when its last sample would have been recorded, on an absolute schedule.

    A frame that comes late does not delay the next one.
    """

    def __init__(self) -> None:
        super().__init__(TransportParams(audio_in_enabled=True, audio_in_sample_rate=SAMPLE_RATE))
        self._due = 0.0

    async def start(self, frame: StartFrame) -> None:
        """Takes audio from now on."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def speak(self, pcm: bytes) -> float:
        """Plays right behind what was played before.

        Returns:
            When the first sample was recorded, on `time.perf_counter`.
        """
        self._due = self._due or time.perf_counter()
        began = self._due
        for start in range(0, len(pcm), _FRAME_BYTES):
            self._due += FRAME_SECONDS
            await asyncio.sleep(max(0.0, self._due - time.perf_counter()))
            audio = pcm[start : start + _FRAME_BYTES].ljust(_FRAME_BYTES, b"\0")
            frame = InputAudioRawFrame(audio=audio, sample_rate=SAMPLE_RATE, num_channels=1)
            frame.metadata["due"] = self._due
            await self.push_audio_frame(frame)
        return began


@dataclass(slots=True)
class Log:
    """What the taps saw.

    Attributes:
        events: In the order in which they were seen.
        lateness: Of each audio frame where the service takes it: seconds behind the schedule.
    """

    events: list[Event] = field(default_factory=list)
    lateness: array[float] = field(default_factory=lambda: array("d"))


class _Tap(FrameProcessor):
    """Passes everything on, at once."""

    def __init__(self, log: Log) -> None:
        super().__init__(enable_direct_mode=True)
        self._log = log

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            self._see(frame, time.perf_counter())
        await self.push_frame(frame, direction)

    def _see(self, frame: Frame, now: float) -> None:
        raise NotImplementedError


class _BeforeService(_Tap):
    def _see(self, frame: Frame, now: float) -> None:
        if isinstance(frame, InputAudioRawFrame):
            self._log.lateness.append(now - frame.metadata["due"])
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            self._log.events.append(VadStop(now, frame.timestamp - frame.stop_secs))


class _BehindService(_Tap):
    def _see(self, frame: Frame, now: float) -> None:
        if isinstance(frame, TranscriptionFrame):
            self._log.events.append(FinalSeen(now, time.time(), frame.text, finalized=frame.finalized))
        elif isinstance(frame, MetricsFrame):
            values = (each.value for each in frame.data if isinstance(each, TTFBMetricsData))
            self._log.events.extend(Ttfb(now, value) for value in values if value)


@dataclass(frozen=True, slots=True)
class UtteranceLog:
    """What came of an utterance: when its first sample was recorded, on `time.perf_counter`, and what the taps saw."""

    utterance: Utterance
    began: float
    events: tuple[Event, ...]


class PipelineSession:
    """A running pipeline, to which one utterance after the other is said."""

    def __init__(self, stt: STTService) -> None:
        self._log = Log()
        self._microphone = TimedMicrophone()
        vad = VADProcessor(
            vad_analyzer=SileroVADAnalyzer(sample_rate=SAMPLE_RATE, params=VADParams(stop_secs=STOP_SECONDS))
        )
        self.worker = PipelineWorker(
            Pipeline([self._microphone, vad, _BeforeService(self._log), stt, _BehindService(self._log)]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, enable_metrics=True),
            cancel_on_idle_timeout=False,
            enable_rtvi=False,
        )

    @property
    def lateness(self) -> array[float]:
        """Seconds that each audio frame was behind the schedule where the service took it."""
        return self._log.lateness

    async def warm_up(self) -> None:
        """Says nothing for a while: models and connections do what they do only once."""
        await self._microphone.speak(bytes(round(WARM_UP_SECONDS * SAMPLE_RATE) * 2))
        del self._log.lateness[:]

    async def say(self, utterance: Utterance) -> UtteranceLog:
        """Says it in real time, and the silence behind it."""
        seen = len(self._log.events)
        began = await self._microphone.speak(utterance.pcm)
        return UtteranceLog(utterance, began, tuple(self._log.events[seen:]))


@asynccontextmanager
async def conversation(stt: STTService) -> AsyncIterator[PipelineSession]:
    """A pipeline around the service; ended gracefully."""
    talk = PipelineSession(stt)
    started = asyncio.Event()

    async def on_started(_worker: PipelineWorker, _frame: Frame) -> None:
        started.set()

    talk.worker.add_event_handler("on_pipeline_started", on_started)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(talk.worker)
    task = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), _END_SECONDS)
        yield talk
        await talk.worker.queue_frame(EndFrame())
        await asyncio.wait_for(asyncio.shield(task), _END_SECONDS)
    finally:
        if not task.done():
            await talk.worker.cancel()
        await task
