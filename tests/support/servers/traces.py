"""Spans that stay in memory, and a stand-in for an OpenTelemetry collector."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auricle_server.telemetry.otel import OtelTracing
from tests.auricle_server.raw_client import until

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


class Traces:
    """The spans of a server in this process.

    Attributes:
        tracing: For the server.
    """

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracing = OtelTracing(None, "one", SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    async def ended(self, count: int = 1, name: str = "auricle.stream") -> list[ReadableSpan]:
        """The spans of a name, once so many have ended."""
        await until(lambda: len(self._named(name)) >= count)
        return self._named(name)

    def _named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


def events(span: ReadableSpan, name: str) -> list[dict[str, Any]]:
    """The attributes of the events of a name."""
    return [dict(event.attributes or {}) for event in span.events if event.name == name]


class Collector:
    """Takes spans as an OpenTelemetry collector does.

    Attributes:
        url: Of it.
        resources: The attributes of the resource of each batch.
        spans: All so far.
        headers: Of the last request.
    """

    def __init__(self) -> None:
        self.url = ""
        self.resources: list[dict[str, Any]] = []
        self.spans: list[Any] = []
        self.headers: dict[str, str] = {}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        batch = ExportTraceServiceRequest.FromString(body)
        self.headers = dict(request.headers)
        for resource_spans in batch.resource_spans:
            self.resources.append({each.key: each.value.string_value for each in resource_spans.resource.attributes})
            for scope_spans in resource_spans.scope_spans:
                self.spans.extend(scope_spans.spans)
        return web.Response(content_type="application/x-protobuf")


@asynccontextmanager
async def collecting(take: Callable[[web.Request], Any] | None = None) -> AsyncIterator[Collector]:
    """A collector on the loopback.

    Args:
        take: Answers in its place.
    """
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", take or collector.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    collector.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield collector
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
