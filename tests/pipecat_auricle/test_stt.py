"""The life of a service: set up, end, cancel, a second pipeline, keep-alive."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys

import pytest
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    MetricsFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
    UserMuteStartedFrame,
)
from pipecat.metrics.metrics import STTUsageMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.tests.utils import run_test
from pipecat.workers.runner import WorkerRunner

from auricle.protocol.client_messages import End, Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Agent, audio, running
from tests.support.scripted.script import READY
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end
from tests.support.servers.forward_proxy import ForwardProxy


def left_behind(before: set[asyncio.Task[object]]) -> list[str]:
    """The tasks that are new, apart from those that serve the server's connections."""
    return [repr(task) for task in asyncio.all_tasks() - before if "RequestHandler" not in repr(task.get_coro())]


def used(agent: Agent) -> float:
    """Seconds of audio that the service reported."""
    usage = [data for frame in agent.down.of(MetricsFrame) for data in getattr(frame, "data", [])]
    return sum(data.value.audio_seconds for data in usage if isinstance(data, STTUsageMetricsData))


async def test_audio_passes_and_the_pipeline_ends(server: ScriptedServer) -> None:
    frames = audio(0.06)
    down, _ = await run_test(AuricleSTTService(url=server.url), frames_to_send=frames)
    assert [frame for frame in down if isinstance(frame, InputAudioRawFrame)] == frames


async def test_address_and_key_come_from_the_environment_or_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_API_KEY", "sesame")
    async with ScriptedServer(key="sesame") as server:
        monkeypatch.setenv("AURICLE_URL", server.url)
        for service in (AuricleSTTService(), AuricleSTTService(base_url=server.url)):
            async with running(service):
                await server.session()
        monkeypatch.setenv("AURICLE_URL", "ws://127.0.0.1:1 ")
        with pytest.raises(ValueError, match="AURICLE_URL: the address has blanks"):
            AuricleSTTService()
        with pytest.raises(ValueError, match="base_url: another name of url"):
            AuricleSTTService(url=server.url, base_url=server.url)


async def test_it_goes_through_the_proxy_of_the_environment_when_asked(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with ForwardProxy().running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for service in (AuricleSTTService(url=server.url), AuricleSTTService(url=server.url, trust_env=True)):
            async with running(service):
                await server.session()
    assert len(proxy.requests) == 1


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
        await session.until(lambda: session.seconds >= 0.4)
        session.last_words = [final("Bye.", 0.5)]
    assert agent.down.names(TranscriptionFrame, EndFrame) == ["TranscriptionFrame", "EndFrame"]
    assert used(agent) == pytest.approx(0.5)


async def test_the_last_words_of_a_turn_come_before_the_end(server: ScriptedServer) -> None:
    """With the server's turn detection, too, and the turn ends with them."""
    async with running(AuricleSTTService(url=server.url, turn_detection="server")) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("good", 0.3))
        await agent.down.wait_for(InterimTranscriptionFrame)
        session.last_words = [final("Goodbye.", 0.5), turn_end("Goodbye.", 0.5)]
    kinds = (TranscriptionFrame, ProposedUserStoppedSpeakingFrame, EndFrame)
    assert agent.down.names(*kinds) == [kind.__name__ for kind in kinds]


async def test_an_end_that_the_server_does_not_answer_is_not_waited_for_for_ever(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words that were shown still go down the pipeline."""
    monkeypatch.setattr("pipecat_auricle.stt._END_SECONDS", 0.05)
    async with running(AuricleSTTService(url=server.url, answer_timeout=None)) as agent:
        session = await server.session()
        await session.send(interim("good", 0.3))
        await agent.down.wait_for(InterimTranscriptionFrame)
        session.closing.clear()
    assert agent.down.names(TranscriptionFrame, EndFrame) == ["TranscriptionFrame", "EndFrame"]


async def test_a_cancelled_pipeline_hangs_up_at_once(server: ScriptedServer) -> None:
    before, stt = asyncio.all_tasks(), AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        async with asyncio.timeout(2):
            await agent.worker.cancel()
    assert not any(isinstance(item, End) for item in session.log)
    await server.until_deserted()
    assert left_behind(before) == []


async def test_a_cancel_hangs_up_without_waiting_for_the_cleanup(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        await server.session()
        await stt.cancel(CancelFrame())
        await server.until_deserted()
        await agent.worker.cancel()


async def test_an_ended_pipeline_leaves_nothing_behind(server: ScriptedServer) -> None:
    before, stt = asyncio.all_tasks(), AuricleSTTService(url=server.url)
    async with running(stt):
        await server.session()
    await server.until_deserted()
    await stt.cleanup()  # a second time
    assert left_behind(before) == []


async def test_a_pipeline_cancelled_while_it_connects_leaves_nothing_behind(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipecat_auricle.stt._SETUP_SECONDS", 0.05)
    server.answering.clear()
    before = asyncio.all_tasks()
    async with running(AuricleSTTService(url=server.url)) as agent:
        await agent.worker.cancel()
    server.answering.set()
    await server.until_deserted()
    assert left_behind(before) == []


async def test_a_server_that_does_not_answer_does_not_hold_up_the_pipeline(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipecat gives up a pipeline whose setup takes too long. What is said meanwhile is recognised later."""
    monkeypatch.setattr("pipecat_auricle.stt._SETUP_SECONDS", 0.05)
    server.answering.clear()
    async with running(AuricleSTTService(url=server.url)) as agent:
        await agent.vad(speaking=True)
        await agent.speak(0.2)
        await agent.vad(speaking=False)
        server.answering.set()
        session = await server.session()
        await session.send(final("At last.", 0.2, await session.next(Finalize)))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized
        assert session.seconds == pytest.approx(0.2)


async def test_the_rate_is_the_pipelines(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url), params=PipelineParams(audio_in_sample_rate=8000)):
        assert (await server.session()).start.sample_rate == 8000


async def test_a_service_serves_a_second_pipeline(server: ScriptedServer) -> None:
    """On a clock that starts again, and with nothing of the first: no words, no mute, no turn."""
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with running(stt) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), final("one", 9.0), interim("one two", 9.5))
        await agent.down.wait_for(InterimTranscriptionFrame)
        mute = UserMuteStartedFrame()
        await agent.send(mute)
        await agent.down.passed(mute)
    async with running(stt) as agent:
        session = await server.session()
        await agent.speak(0.1)
        await session.until(lambda: session.seconds >= 0.1 - 0.001)
        await session.send(SpeechStarted(start=0.1), interim("three", 0.2))
        await agent.down.wait_for(InterimTranscriptionFrame)
        await session.send(final("Three.", 0.2, at=0.8), turn_end("Three.", 0.8))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert agent.down.names(ProposedUserStartedSpeakingFrame) == ["ProposedUserStartedSpeakingFrame"]
    assert [frame.text for frame in agent.down.frames if isinstance(frame, TranscriptionFrame)] == ["Three."]


async def test_a_pipeline_that_never_starts_leaves_nothing_behind(server: ScriptedServer) -> None:
    before, stt = asyncio.all_tasks(), AuricleSTTService(url=server.url)
    worker = PipelineWorker(Pipeline([stt]), enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running_task = asyncio.create_task(runner.run())
    await server.session()
    await worker.cancel()
    await running_task
    await server.until_deserted()
    assert left_behind(before) == []


async def test_a_microphone_that_is_off_does_not_cost_the_stream(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a stream without audio, and a switched-off microphone sends none."""
    monkeypatch.setattr("pipecat_auricle.stt._END_SECONDS", 0.2)
    server.ready = dataclasses.replace(READY, limits=dataclasses.replace(READY.limits, idle_seconds=0.06))
    async with running(AuricleSTTService(url=server.url, answer_timeout=None)) as agent:
        session = await server.session()
        await session.until(lambda: session.seconds >= 0.3)  # three times a tenth of a second of silence
        session.closing.clear()
    # It counts as usage like all audio, and none is sent after the end.
    await session.until(lambda: session.seconds >= used(agent) - 0.001)
    assert used(agent) == pytest.approx(session.seconds)


def test_the_import_is_light() -> None:
    heavy = ("torch", "nemo", "onnxruntime", "transformers", "auricle_server", "livekit")
    code = f"import sys, pipecat_auricle; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_runs_and_hangs_up_on_uvloop() -> None:
    """Pipecat's runner brings uvloop, whose transports are not those of asyncio."""
    uvloop = pytest.importorskip("uvloop", reason="the runner extra of Pipecat brings it")

    async def call() -> list[str]:
        async with ScriptedServer() as server, running(AuricleSTTService(url=server.url)) as agent:
            await agent.speak(0.2)
        return [frame.error for frame in agent.up.frames if isinstance(frame, ErrorFrame)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(call()) == []
