"""Spans by OpenTelemetry's SDK, which the variables OTEL_* configure; needs the extra ``[otel]``.

The SDK's batch processor sends them from a thread of its own, and keeps at most OTEL_BSP_MAX_QUEUE_SIZE of them (2048)
while a collector does not take them; each span keeps at most OTEL_SPAN_EVENT_COUNT_LIMIT events (128), the newest.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import Mapping
from importlib import metadata

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.tracing import Attributes, TraceSpan

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.5
"""How long the last spans may take at the end: less than a gateway has after its drain (`processes.STOP_SECONDS`)."""
_W3C = TraceContextTextMapPropagator()
_DEFAULT_SERVICE = "auricle"
_UNNAMED_SERVICE = "unknown_service"
"""What the SDK calls a service without a name."""


def exporter_of(environment: Mapping[str, str]) -> SpanExporter | None:
    """What sends spans, as OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL say; None for nothing.

    Raises:
        ValueError: They ask for something that is not there.
        ImportError: The exporter's package is not installed.
    """
    kind = environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if kind == "none" or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if kind == "console":
        return ConsoleSpanExporter()
    if kind != "otlp":
        raise ValueError(f"OTEL_TRACES_EXPORTER: expected otlp, console or none, got {kind!r}")
    given = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = (given or "").strip() or "http/protobuf"
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

        return HttpExporter()
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return GrpcExporter()
    raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or grpc, got {protocol!r}")


class OtelTracing:
    """Makes spans; see `Tracing`.

    Args:
        exporter: Sends them, on a thread of its own.
        server_name: Of this server among several; empty for none.
        processor: Takes them in place of a batch processor with that exporter.
    """

    def __init__(
        self, exporter: SpanExporter | None, server_name: str = "", processor: SpanProcessor | None = None
    ) -> None:
        # `shutdown_on_exit` would wait half a minute for a collector that does not answer.
        self._provider = TracerProvider(resource=_resource(server_name), shutdown_on_exit=False)
        if processor is None:
            assert exporter is not None, "one of the two is given"
            processor = BatchSpanProcessor(exporter)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("auricle", metadata.version("auricle"))

    def begin(self, name: str, request: RequestContext, attributes: Attributes) -> TraceSpan:
        """As `Tracing.begin`."""
        parent = request.span
        if isinstance(parent, OtelSpan):
            context, kind = trace.set_span_in_context(parent.span, Context()), SpanKind.INTERNAL
        else:
            context, kind = _W3C.extract(request.trace_headers, Context()), SpanKind.SERVER
        return OtelSpan(self._tracer.start_span(name, context, kind, attributes))

    async def close(self) -> None:
        """As `Tracing.close`."""
        # A daemon: a collector that does not answer holds neither this nor the end of the process up.
        closing = threading.Thread(target=self._provider.shutdown, name="otel-shutdown", daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, FLUSH_SECONDS)
        if closing.is_alive():
            log.warning("the last spans were not sent: the collector did not take them in %g s", FLUSH_SECONDS)


def _resource(server_name: str) -> Resource:
    """Of all spans of this process: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes first."""
    given = Resource.create()
    ours = {"service.version": metadata.version("auricle"), "service.instance.id": secrets.token_hex(8)}
    if server_name:
        ours["auricle.server.name"] = server_name
    if str(given.attributes.get(SERVICE_NAME, _UNNAMED_SERVICE)).startswith(_UNNAMED_SERVICE):
        return Resource({**ours, **given.attributes, SERVICE_NAME: _DEFAULT_SERVICE})
    return Resource({**ours, **given.attributes})


class OtelSpan:
    """A span of the SDK; see `TraceSpan`.

    Args:
        span: Has begun.

    Attributes:
        span: As given.
    """

    def __init__(self, span: trace.Span) -> None:
        self.span = span

    def add_event(self, name: str, attributes: Attributes) -> None:
        """As `TraceSpan.add_event`."""
        self.span.add_event(name, attributes)

    def set_attributes(self, attributes: Attributes) -> None:
        """As `TraceSpan.set_attributes`."""
        self.span.set_attributes(attributes)

    def add_link(self, trace_headers: Mapping[str, str]) -> None:
        """As `TraceSpan.add_link`."""
        context = trace.get_current_span(_W3C.extract(trace_headers, Context())).get_span_context()
        if context.is_valid:
            self.span.add_link(context)

    def end(self, error: str | None = None, message: str = "") -> None:
        """As `TraceSpan.end`."""
        if not self.span.is_recording():
            return
        if error is not None:
            self.span.set_attribute("error.type", error)
            self.span.set_status(Status(StatusCode.ERROR, message or error))
        self.span.end()
