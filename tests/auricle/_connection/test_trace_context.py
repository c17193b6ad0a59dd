"""The client names the span that is current where a stream was opened, and loads nothing for it."""

from __future__ import annotations

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from auricle import AuricleClient, Start
from auricle._connection.trace_context import trace_headers
from tests.auricle_server.raw_client import until
from tests.support.bursts import burst_server

TRACER = TracerProvider(shutdown_on_exit=False).get_tracer("tests")


def test_without_a_span_there_are_no_headers() -> None:
    assert trace_headers() == {}
    assert trace_headers(lambda: None) == {}
    assert trace_headers(otel_context.Context) == {}


def test_the_current_span_or_that_of_a_given_context() -> None:
    with TRACER.start_as_current_span("agent") as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
        assert trace_headers()["traceparent"].split("-")[1] == trace_id
        context = trace.set_span_in_context(span)
    assert trace_headers() == {}
    assert trace_headers(lambda: context)["traceparent"].split("-")[1] == trace_id


async def test_every_connection_of_a_stream_names_the_span_that_was_current_where_it_was_opened() -> None:
    async with burst_server() as server, AuricleClient(server.url) as client:
        with TRACER.start_as_current_span("agent") as span:
            stream = client.stream(Start())
        await until(lambda: bool(server.headers))
        await stream.aclose()
        plain = await client.open()
        await plain.aclose()
        parents = [headers.get("traceparent", "")[:52] for headers in server.headers]
    assert parents == [f"00-{span.get_span_context().trace_id:032x}-{span.get_span_context().span_id:016x}", ""]
