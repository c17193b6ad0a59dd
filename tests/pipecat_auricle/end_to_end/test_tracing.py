"""A traced pipeline: the server's span is a child of Pipecat's conversation."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pipecat.frames.frames import TranscriptionFrame

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Agent, pcm_frames, running
from tests.support.servers.traces import Traces

PCM, TEXT = tones.utterance(seed=3, words=4, trailing=0.4)


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Gets the spans of Pipecat, which asks for the provider of the whole process."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


async def say(agent: Agent) -> None:
    await agent.vad(speaking=True)
    await agent.send(*pcm_frames(PCM))
    await agent.vad(speaking=False)
    assert (await agent.down.wait_for(TranscriptionFrame)).text == TEXT


@pytest.mark.parametrize("traced", [True, False])
async def test_the_conversation_is_the_parent_of_the_stream(exporter: InMemorySpanExporter, traced: bool) -> None:
    traces = Traces()
    config = ServerConfig(max_load=0)
    async with serve_locally(config, model=str(tones.CHECKPOINT), tracing=traces.tracing) as url:
        stt = AuricleSTTService(url=url)
        async with running(stt, enable_tracing=traced, conversation_id="call-1") as agent:
            await say(agent)
        [stream] = await traces.ended()
    conversations = [span for span in exporter.get_finished_spans() if span.name == "conversation"]
    if not traced:
        assert not conversations
        assert stream.parent is None
        return
    [conversation] = conversations
    assert dict(conversation.attributes or {})["conversation.id"] == "call-1"
    assert stream.parent is not None
    assert conversation.context is not None
    assert stream.parent.span_id == conversation.context.span_id
    assert [event.name for event in stream.events][-1] == "auricle.final"
