"""A real Pipecat pipeline around the service, with taps where a test looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregator,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.turns.user_stop import BaseUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from tests.support.scripted.script import PATIENCE

SAMPLE_RATE = 16_000
PARAMS = PipelineParams(enable_metrics=True, enable_usage_metrics=True, send_initial_empty_metrics=False)
Pcm = npt.NDArray[np.int16]
AnyFrame = TypeVar("AnyFrame", bound=Frame)


class Tap(FrameProcessor):
    """Remembers the frames that pass in one direction, in order, and lets a test wait for them."""

    def __init__(self, direction: FrameDirection) -> None:
        super().__init__(enable_direct_mode=True)
        self.frames: list[Frame] = []
        self._direction = direction
        self._taken = 0
        self._news = asyncio.Condition()

    @classmethod
    def downstream(cls) -> Tap:
        """A tap on what goes down the pipeline."""
        return cls(FrameDirection.DOWNSTREAM)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is self._direction:
            async with self._news:
                self.frames.append(frame)
                self._news.notify_all()
        await self.push_frame(frame, direction)

    def of(self, *kinds: type[Frame]) -> list[Frame]:
        """All frames of these kinds so far."""
        return [frame for frame in self.frames if isinstance(frame, kinds)]

    def names(self, *kinds: type[Frame]) -> list[str]:
        """The names of the kinds of all frames of these kinds so far."""
        return [type(frame).__name__ for frame in self.of(*kinds)]

    async def passed(self, frame: Frame) -> None:
        """Waits until this very frame has come by."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: any(seen is frame for seen in self.frames))

    async def wait_for(self, kind: type[AnyFrame], accept: Callable[[AnyFrame], bool] = lambda _: True) -> AnyFrame:
        """The next such frame after the last one that a call returned."""
        found: list[AnyFrame] = []

        def arrived() -> bool:
            for index in range(self._taken, len(self.frames)):
                frame = self.frames[index]
                if isinstance(frame, kind) and accept(frame):
                    self._taken = index + 1
                    found.append(frame)
                    return True
            return False

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(arrived)
        return found[0]


class Agent:
    """A running pipeline.

    Attributes:
        up: The frames that left the pipeline upstream.
        down: The frames that left it downstream.
        worker: Pipecat's own handle of it.
    """

    def __init__(self, processors: tuple[FrameProcessor, ...], params: PipelineParams, **options: Any) -> None:
        self.up = Tap(FrameDirection.UPSTREAM)
        self.down = Tap(FrameDirection.DOWNSTREAM)
        options = {"cancel_on_idle_timeout": False, "enable_rtvi": False, **options}
        self.worker = PipelineWorker(Pipeline([self.up, *processors, self.down]), params=params, **options)

    async def send(self, *frames: Frame) -> None:
        """Puts frames into the start of the pipeline."""
        for frame in frames:
            await self.worker.queue_frame(frame)

    async def speak(self, seconds: float = 0.1) -> None:
        """Sends silence that a scripted server hears as whatever the test says."""
        await self.send(*audio(seconds))

    async def vad(self, *, speaking: bool) -> None:
        """Sends what Pipecat's voice activity detection sends, and waits until all have seen it."""
        frame = VADUserStartedSpeakingFrame(start_secs=0.2) if speaking else VADUserStoppedSpeakingFrame(stop_secs=0.2)
        await self.send(frame)
        await self.down.passed(frame)


@asynccontextmanager
async def running(
    *processors: FrameProcessor, params: PipelineParams | None = None, **options: Any
) -> AsyncIterator[Agent]:
    """Runs processors in a real worker, with options of its own, and ends it, unless the test has ended it."""
    agent = Agent(processors, params or PARAMS, **options)
    started = asyncio.Event()

    async def on_started(_worker: PipelineWorker, _frame: Frame) -> None:
        started.set()

    agent.worker.add_event_handler("on_pipeline_started", on_started)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(agent.worker)
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await started.wait()
        yield agent
        if not agent.worker.has_finished():
            await agent.send(EndFrame())
            # A timeout around the task would cancel it, which the runner takes for a wish to end.
            done, _ = await asyncio.wait([task], timeout=PATIENCE)
            assert done, "the pipeline did not end"
    finally:
        if not task.done():
            await agent.worker.cancel()
        await task


def pcm_frames(pcm: Pcm) -> list[InputAudioRawFrame]:
    """Audio in frames of 20 ms, as a transport delivers it."""
    step = SAMPLE_RATE // 50
    pieces = [pcm[start : start + step].tobytes() for start in range(0, len(pcm), step)]
    return [InputAudioRawFrame(audio=piece, sample_rate=SAMPLE_RATE, num_channels=1) for piece in pieces]


def audio(seconds: float) -> list[InputAudioRawFrame]:
    """Silence in such frames."""
    return pcm_frames(np.zeros(round(seconds * SAMPLE_RATE), np.int16))


def aggregator(*, stop: BaseUserTurnStopStrategy | None = None, **params: Any) -> LLMUserAggregator:
    """Pipecat's user aggregator, which follows every STT service; `stop` replaces its own strategies."""
    if stop is not None:
        params["user_turn_strategies"] = UserTurnStrategies(stop=[stop])
    return LLMContextAggregatorPair(LLMContext(), user_params=LLMUserAggregatorParams(**params)).user()


def final_text(agent: Agent) -> str:
    """The final transcripts so far."""
    frames = agent.down.of(TranscriptionFrame)
    return " ".join(frame.text for frame in frames if isinstance(frame, TranscriptionFrame))


def error_frames(agent: Agent) -> list[ErrorFrame]:
    """The errors that the service has reported."""
    return [frame for frame in agent.up.of(ErrorFrame) if isinstance(frame, ErrorFrame)]
