"""One stream of the demo in Pipecat: the pipeline of a bot, up to the place of the language model."""

from __future__ import annotations

import asyncio

from pipecat.frames.frames import EndFrame, Frame, InputAudioRawFrame, InterimTranscriptionFrame, TranscriptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregator,
    UserTurnStoppedMessage,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.turns.user_stop import BaseUserTurnStopStrategy
from pipecat.workers.runner import WorkerRunner

from auricle_server.demo.programme import SAMPLE_RATE
from auricle_server.demo.track import CaptionKind, Track
from pipecat_auricle import AuricleSTTService


class _Captions(FrameProcessor):
    """Reports the transcription frames, and pushes all frames on."""

    def __init__(self, track: Track) -> None:
        super().__init__()
        self._track = track

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame):
            self._track.report(CaptionKind.INTERIM, frame.text)
        elif isinstance(frame, TranscriptionFrame):
            self._track.report(CaptionKind.FINAL, frame.text)
        await self.push_frame(frame, direction)


async def play(track: Track, url: str) -> None:
    """Plays the track through a pipeline; a turn ends when the user aggregator ends it."""
    stt = AuricleSTTService(
        url=url, turn_detection="server", settings=AuricleSTTService.Settings(latency_ms=track.latency_ms)
    )
    user: LLMUserAggregator = LLMContextAggregatorPair(LLMContext()).user()

    async def turn_stopped(
        _aggregator: LLMUserAggregator, _strategy: BaseUserTurnStopStrategy, message: UserTurnStoppedMessage
    ) -> None:
        track.report(CaptionKind.TURN_END, message.content or "")

    user.add_event_handler("on_user_turn_stopped", turn_stopped)
    worker = PipelineWorker(Pipeline([stt, _Captions(track), user]), cancel_on_idle_timeout=False)
    started = asyncio.Event()

    async def pipeline_started(_worker: PipelineWorker, _frame: Frame) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", pipeline_started)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(runner.run())
        await started.wait()
        async for pcm in track.frames():
            await worker.queue_frame(InputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE, num_channels=1))
        await worker.queue_frame(EndFrame())
