"""A real server that sends its spans to a collector, and goes on when that does not take them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.otel import FLUSH_SECONDS, OtelTracing, exporter_of
from tests.auricle_server.raw_client import connected_client, until
from tests.auricle_server.serving.supervised import serving
from tests.support import tones
from tests.support.servers.traces import PARENT, TRACE_ID, collecting

PCM, TEXT = tones.utterance(seed=3, words=4, trailing=1.0)
JSON = {"log_format": "json", "traces": "require", "log_content": "redacted"}


async def hear(url: str, **headers: str) -> None:
    async with connected_client(url, "?token=SECRET", headers=headers) as client:
        await client.start(turn={"mode": "silence", "silence_ms": 500})
        await client.send_audio(PCM)
        await client.end()


@pytest.mark.slow
async def test_processes_send_their_spans_and_write_lines_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-scope=a%20b")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "speech")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")  # so that only the end of the drain sends them
        options: dict[str, Any] = {"telemetry": JSON, "server_name": "one", "standby": True, "log_level": "DEBUG"}
        async with serving(api_keys=["a-very-secret-key"], **options) as server:
            await until(lambda: "prepared auricle_server.worker.loop" in server.log, 60)
            await hear(server.url, Authorization="Bearer a-very-secret-key", traceparent=PARENT)
            [worker] = server.pids("worker-0")
            server.process.terminate()
            await asyncio.wait_for(server.process.wait(), 60)
        await until(lambda: bool(collector.spans))
    [span] = collector.spans
    assert int.from_bytes(span.trace_id, "big") == TRACE_ID
    names = [event.name for event in span.events]
    assert {"auricle.final", "auricle.turn_end"} <= set(names)
    [resource] = collector.resources
    assert (resource["service.name"], resource["deployment.environment"]) == ("speech", "test")
    assert (resource["auricle.server.name"], collector.headers["x-scope"]) == ("one", "a b")
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {line["process"] for line in lines} >= {"MainProcess", "gateway-0", "worker-0", "standby"}
    assert all(line["server"] == "one" for line in lines)
    assert {line["model"] for line in lines if line["process"] == "worker-0" and "model" in line} == {"tones_en.nemo"}
    started = next(line for line in lines if line["message"].startswith("stream started"))
    assert (started["key"], started["dialect"], started["worker"]) == ("api-key-1", "native", "worker-0")
    assert any(line["logger"] == "auricle_server.content" and line["session"] == started["session"] for line in lines)
    assert worker > 0
    assert "SECRET" not in server.log
    assert "a-very-secret-key" not in server.log


@pytest.mark.slow
async def test_a_collector_that_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def stall(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        return web.Response()

    async with collecting(stall) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        async with serving(drain_seconds=0.0, telemetry={"traces": "auto"}) as server:
            await hear(server.url)
            await asyncio.wait_for(asked.wait(), 30)
            await asyncio.wait_for(hear(server.url), 30)  # the exporter waits on its own thread
            began = time.monotonic()
            server.process.terminate()
            assert await asyncio.wait_for(server.process.wait(), 60) == 0
    assert "the last spans were not sent" in server.log
    assert "killed process=gateway" not in server.log
    assert time.monotonic() - began < 30


async def test_the_queue_of_spans_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "4")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    exporter = exporter_of({"OTEL_TRACES_EXPORTER": "otlp"})
    assert exporter is not None
    tracing = OtelTracing(exporter)
    [processor] = tracing._provider._active_span_processor._span_processors
    began = time.monotonic()
    for _ in range(1000):
        span = tracing.begin("auricle.stream", RequestContext(), {})
        for number in range(100):
            span.add_event("auricle.final", {"n": number})
        assert len(span.span.events) == 4  # type: ignore[attr-defined]
        span.end()
        span.end("late")
    assert len(processor._batch_processor._queue) <= 16  # type: ignore[attr-defined]
    assert time.monotonic() - began < 60
    began = time.monotonic()
    await tracing.close()
    assert time.monotonic() - began < FLUSH_SECONDS + 10


def test_the_variables_choose_the_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(exporter_of({"OTEL_TRACES_EXPORTER": "console"}), ConsoleSpanExporter)
    http = exporter_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    grpc = exporter_of({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
    assert http is not None
    assert grpc is not None
    assert (".http." in type(http).__module__, ".grpc." in type(grpc).__module__) == (True, True)
    grpc.shutdown()
    http.shutdown()
    with pytest.raises(ValueError, match="zipkin"):
        exporter_of({"OTEL_TRACES_EXPORTER": "zipkin"})
