"""What Pipecat measures of the service: time to the final, audio used, and a span for each utterance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Self, TypeVar

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    MetricsFrame,
    TranscriptionFrame,
    UserMuteStartedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import MetricsData, STTUsageMetricsData, TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import PARAMS, Agent, Tap, audio, running
from tests.support.scripted.script import PATIENCE
from tests.support.scripted.session import Session
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, turn_end

Data = TypeVar("Data", bound=MetricsData)


def measured(frames: Sequence[Frame], kind: type[Data]) -> list[Data]:
    """All data of this kind, in order."""
    return [
        data for frame in frames if isinstance(frame, MetricsFrame) for data in frame.data if isinstance(data, kind)
    ]


async def utter(agent: Agent, session: Session, seconds: float) -> Finalize:
    """An utterance of `seconds` and the question for its final."""
    await agent.vad(speaking=True)
    await agent.speak(seconds)
    await agent.vad(speaking=False)
    return await session.next(Finalize)


async def test_the_time_to_the_final_runs_from_the_end_of_speech(server: ScriptedServer) -> None:
    """That is when the voice detection reported the stop, less the silence that it needed to."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        reported = time.time() - 5.0
        await agent.send(VADUserStoppedSpeakingFrame(stop_secs=0.3, timestamp=reported))
        finalize = await session.next(Finalize)
        asked = time.time()
        await session.send(final("Now.", 0.4, finalize))
        await agent.down.wait_for(TranscriptionFrame)
        told = time.time()
    (ttfb,) = measured(agent.down.frames, TTFBMetricsData)
    assert asked - reported + 0.3 <= ttfb.value <= told - reported + 0.3
    assert ttfb.model == "scripted-model"


async def test_only_the_final_that_ends_an_utterance_stops_the_clock(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        finalize = await utter(agent, session, 0.1)
        await session.send(final("not yet", 0.1))
        await agent.down.wait_for(TranscriptionFrame)
        assert measured(agent.down.frames, TTFBMetricsData) == []
        await session.send(final("now", 0.2, finalize))
        await agent.down.wait_for(TranscriptionFrame)
        assert len(measured(agent.down.frames, TTFBMetricsData)) == 1


async def test_each_final_is_preceded_by_the_audio_that_it_used(server: ScriptedServer) -> None:
    """Tracing puts the usage on the span that the next final closes."""
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        for seconds in (0.4, 0.2):
            await session.send(final("So much.", 0.4, await utter(agent, session, seconds)))
            await agent.down.wait_for(TranscriptionFrame)
    seen: list[float | str] = []
    for frame in agent.down.of(MetricsFrame, TranscriptionFrame):
        used = [round(data.value.audio_seconds, 6) for data in measured([frame], STTUsageMetricsData)]
        seen += used or (["final"] if isinstance(frame, TranscriptionFrame) else [])
    assert seen == [0.4, "final", 0.2, "final"]


async def test_muted_audio_is_not_paid_for(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        await server.session()
        await agent.speak(0.2)
        await agent.send(UserMuteStartedFrame(), *audio(0.6))
    paid = sum(data.value.audio_seconds for data in measured(agent.down.frames, STTUsageMetricsData))
    assert paid == pytest.approx(0.2)


class Traced:
    """A worker around the service that traces into memory.

    Attributes:
        worker: Pipecat's own handle of the pipeline.
        tap: Behind the service.
        spans: The attributes of the service's spans, once the worker has ended.
    """

    def __init__(self, stt: AuricleSTTService, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tap = Tap.downstream()
        self.spans: list[dict[str, object]] = []
        self._exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
        pipeline = Pipeline([stt, self.tap])
        self.worker = PipelineWorker(
            pipeline, params=PARAMS, enable_rtvi=False, enable_tracing=True, enable_turn_tracking=True
        )

    async def __aenter__(self) -> Self:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        self._task = asyncio.create_task(runner.run())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.worker.queue_frame(EndFrame())
        done, _ = await asyncio.wait([self._task], timeout=PATIENCE)
        assert done, "the pipeline did not end"
        finished = self._exporter.get_finished_spans()
        self.spans = [dict(span.attributes or {}) for span in finished if span.name == "stt"]


async def test_each_utterance_is_a_span(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Traced(AuricleSTTService(url=server.url), monkeypatch) as call:
        session = await server.session()
        for text in ("On record.", "Off record."):
            await call.worker.queue_frames([VADUserStartedSpeakingFrame(start_secs=0.2), *audio(0.4)])
            await call.worker.queue_frame(VADUserStoppedSpeakingFrame(stop_secs=0.2))
            await session.send(final(text, 0.4, await session.next(Finalize)))
            await call.tap.wait_for(TranscriptionFrame)
    assert [each["transcript"] for each in call.spans] == ["On record.", "Off record."]
    for each in call.spans:
        assert each["gen_ai.request.model"] == "scripted-model"
        assert (each["is_final"], each["language"]) == (True, "en-US")
        assert each["metrics.audio_seconds"] == pytest.approx(0.4)
        assert isinstance(each["metrics.ttfb"], float)
        assert "stt.incomplete" not in each


async def test_a_turn_of_the_servers_is_one_span(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with Traced(stt, monkeypatch) as call:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), final("A long story", 60.0, at=60.1))
        await session.send(final("ends.", 61.0, at=61.6), turn_end("A long story ends.", 61.6))
        await call.tap.wait_for(TranscriptionFrame, lambda frame: frame.finalized)
    assert [each["transcript"] for each in call.spans] == ["A long story ends."]
