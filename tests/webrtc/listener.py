"""A bot in this process that only listens, and records the audio it receives and its transcripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

from pipecat_auricle import AuricleSTTService, TurnDetection
from tests.webrtc.caller import Message
from tests.webrtc.patience import PATIENCE


class Wire(FrameProcessor):
    """Keeps the audio, and where in it the voice detection reported a stop."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self.pieces: list[bytes | None] = []

    @property
    def audio_bytes(self) -> int:
        """How much audio has come by."""
        return sum(len(piece) for piece in self.pieces if piece is not None)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, InputAudioRawFrame):
                assert (frame.sample_rate, frame.num_channels) == (16_000, 1)
                self.pieces.append(frame.audio)
            elif isinstance(frame, VADUserStoppedSpeakingFrame):
                self.pieces.append(None)
        await self.push_frame(frame, direction)


class Captions(FrameProcessor):
    """Keeps the transcripts that come by."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self.frames: list[InterimTranscriptionFrame | TranscriptionFrame] = []

    @property
    def finals(self) -> list[TranscriptionFrame]:
        """The final ones."""
        return [frame for frame in self.frames if isinstance(frame, TranscriptionFrame)]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame | TranscriptionFrame):
            self.frames.append(frame)
        await self.push_frame(frame, direction)


class ListeningBot:
    """The pipeline of a bot, up to where the language model would come.

    Attributes:
        stt: The service under test.
        wire: The audio that the transport delivered.
        captions: The transcripts of the service.
        errors: What went wrong on the way.
    """

    def __init__(self, url: str, turn_detection: TurnDetection) -> None:
        # A long stall timeout: only the voice detection requests finals here.
        self.stt = AuricleSTTService(url=url, turn_detection=turn_detection, stall_timeout=PATIENCE)
        self.wire, self.captions = Wire(), Captions()
        self.errors: list[ErrorFrame] = []
        self._asks = turn_detection == "vad"
        self._worker: PipelineWorker | None = None
        self._task: asyncio.Task[None] | None = None

    async def answer(self, offer: Message) -> Message:
        """Takes a call."""
        connection = SmallWebRTCConnection()
        await connection.initialize(sdp=offer["sdp"], type=offer["type"])
        await self._start(SmallWebRTCTransport(connection, TransportParams(audio_in_enabled=True)))
        answer: Message | None = connection.get_answer()
        assert answer is not None
        return answer

    async def hang_up(self) -> None:
        """Ends the pipeline gracefully: what was said before still comes out."""
        if self._worker is not None and self._task is not None and not self._task.done():
            await self._worker.queue_frame(EndFrame())
            async with asyncio.timeout(PATIENCE):
                await self._task

    async def _start(self, transport: SmallWebRTCTransport) -> None:
        vad = [VADProcessor(vad_analyzer=SileroVADAnalyzer())] if self._asks else []
        processors = [transport.input(), *vad, self.wire, self.stt, self.captions, transport.output()]
        self._worker = PipelineWorker(Pipeline(processors), cancel_on_idle_timeout=False)
        self._worker.add_event_handler("on_pipeline_error", self._note)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        self._task = asyncio.create_task(runner.run())

    async def _note(self, _worker: Any, frame: ErrorFrame) -> None:
        self.errors.append(frame)


@asynccontextmanager
async def listening(url: str, turn_detection: TurnDetection) -> AsyncIterator[ListeningBot]:
    """A bot that takes one call."""
    bot = ListeningBot(url, turn_detection)
    try:
        yield bot
    finally:
        await bot.hang_up()
