"""How the service comes, goes and is observed."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    MetricsFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import STTUsageMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.tests.utils import run_test
from pipecat.workers.runner import WorkerRunner

from auricle.protocol.messages import End, Finalize
from pipecat_auricle import AuricleSTTService
from tests.pipecat_auricle.harness import Tap, audio, running
from tests.pipecat_auricle.scripted import READY, ScriptedServer, final, scripted_server


async def test_audio_passes_and_the_pipeline_ends(server: ScriptedServer) -> None:
    frames = audio(0.06)
    down, _ = await run_test(AuricleSTTService(url=server.url), frames_to_send=frames)
    assert [frame for frame in down if isinstance(frame, InputAudioRawFrame)] == frames


async def test_half_a_sample_does_not_cost_the_stream(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.send(InputAudioRawFrame(audio=bytes(641), sample_rate=16_000, num_channels=1), *audio(0.02))
        await session.until(lambda: len(session.audio) == 1280)


async def test_the_last_words_come_before_the_end(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.5)
        await session.until(lambda: session.heard >= 0.4)
        session.last_words = [final("Bye.", 0.5)]
    assert agent.down.names(TranscriptionFrame, EndFrame) == ["TranscriptionFrame", "EndFrame"]
    usage = [data for frame in agent.down.of(MetricsFrame) for data in getattr(frame, "data", [])]
    seconds = [data.value.audio_seconds for data in usage if isinstance(data, STTUsageMetricsData)]
    assert sum(seconds) == pytest.approx(0.5)


async def test_a_cancelled_pipeline_hangs_up_at_once(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        async with asyncio.timeout(2):
            await agent.worker.cancel()
    assert not any(isinstance(item, End) for item in session.log)
    await stt.cleanup()
    assert not [task.get_name() for task in asyncio.all_tasks() if "auricle" in task.get_name().lower()]


async def test_a_pipeline_that_never_starts_leaves_nothing_behind(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    worker = PipelineWorker(Pipeline([stt]), enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running_task = asyncio.create_task(runner.run())
    await server.session()
    await worker.cancel()
    await running_task
    assert not [task.get_name() for task in asyncio.all_tasks() if "auricle" in task.get_name().lower()]


async def test_a_microphone_that_is_off_does_not_cost_the_stream(server: ScriptedServer) -> None:
    """The server ends a stream from which it hears nothing, and a switched-off microphone sends nothing."""
    server.ready = dataclasses.replace(READY, limits=dataclasses.replace(READY.limits, idle_seconds=0.06))
    async with running(AuricleSTTService(url=server.url)):
        session = await server.session()
        await session.until(lambda: session.heard >= 0.3)  # three times a tenth of a second of silence


async def test_each_utterance_is_a_span(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    stt, tap = AuricleSTTService(url=server.url), Tap.downstream()
    worker = PipelineWorker(Pipeline([stt, tap]), enable_rtvi=False, enable_tracing=True, enable_turn_tracking=True)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    task = asyncio.create_task(runner.run())
    session = await server.session()
    await worker.queue_frames([VADUserStartedSpeakingFrame(), VADUserStoppedSpeakingFrame(stop_secs=0.2)])
    await session.send(final("On record.", 0.4, await session.next(Finalize)))
    await tap.wait_for(TranscriptionFrame)
    await worker.queue_frame(EndFrame())
    await task
    (span,) = [span for span in spans.get_finished_spans() if span.name == "stt"]
    assert span.attributes is not None
    assert span.attributes["transcript"] == "On record."
    assert span.attributes["gen_ai.request.model"] == "scripted-model"


def test_the_import_is_light() -> None:
    heavy = ("torch", "nemo", "onnxruntime", "transformers", "auricle_server", "livekit")
    code = f"import sys, pipecat_auricle; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_runs_and_hangs_up_on_uvloop() -> None:
    """Pipecat's runner brings uvloop, whose transports are not those of asyncio."""
    uvloop = pytest.importorskip("uvloop", reason="the runner extra of Pipecat brings it")

    async def call() -> list[str]:
        async with scripted_server() as server, running(AuricleSTTService(url=server.url)) as agent:
            await agent.speak(0.2)
        return [frame.error for frame in agent.up.frames if isinstance(frame, ErrorFrame)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(call()) == []
