"""A traced session: the server's span is a child of LiveKit's `agent_session`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from livekit.agents import telemetry
from livekit.plugins import auricle
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.support import tones
from tests.support.adapters.livekit_session import listening
from tests.support.levels import Audio
from tests.support.servers.traces import Traces

PCM, TEXT = tones.utterance(seed=3, words=3, trailing=0.2)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Gets the spans of LiveKit."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.set_tracer_provider(provider)
    yield exporter
    telemetry.set_tracer_provider(trace.get_tracer_provider())  # as it was before


async def test_the_session_is_an_ancestor_of_the_stream(exporter: InMemorySpanExporter) -> None:
    traces, config = Traces(), ServerConfig(max_load=0)
    async with serve_locally(config, model=str(tones.CHECKPOINT), tracing=traces.tracing) as url:
        stt = auricle.STT(url=url, turn_detection="server", silence_ms=400)
        handling = {"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}
        speech = Audio(PCM, tones.SAMPLE_RATE, ())
        async with listening(speech, stt=stt, vad=None, turn_handling=handling) as heard:
            await heard.until(lambda: bool(heard.turns))
        [stream, *_] = await traces.ended()
    assert heard.turns == [TEXT]
    theirs = {span.context.span_id: span for span in exporter.get_finished_spans() if span.context is not None}
    assert stream.parent is not None
    parent = theirs[stream.parent.span_id]
    while parent.parent is not None:
        parent = theirs[parent.parent.span_id]
    assert parent.name == "agent_session"
    assert stream.context is not None
    assert parent.context is not None
    assert stream.context.trace_id == parent.context.trace_id
