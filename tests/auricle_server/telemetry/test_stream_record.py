"""What is told of a stream: its span, its line in the access log, and what it said only where that is allowed."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from auricle.protocol.client_messages import RESUME_HEADER
from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.stream_record import StreamObserver, StreamRecord
from tests.auricle_server.raw_client import RawClient, connected_client, until
from tests.auricle_server.telemetry.conftest import Observed
from tests.support import tones
from tests.support.servers.traces import PARENT, SPAN_ID, TRACE_ID, Traces, events

PCM, TEXT = tones.utterance(seed=3, words=4, trailing=1.0)
TURN = {"mode": "silence", "silence_ms": 500}


def lines(caplog: pytest.LogCaptureFixture, kind: str) -> list[dict[str, Any]]:
    """The fields of the lines of the access log of a kind."""
    found = [record for record in caplog.records if record.name == "auricle_server.access"]
    return [record.__dict__["context"] for record in found if record.getMessage().startswith(kind)]


async def spoken(client: RawClient) -> None:
    await client.start(turn=TURN)
    await client.send_audio(PCM)
    await client.send(type="finalize", id="f")
    await client.event("final")
    await client.end()


async def test_a_stream_is_a_span_with_events_for_finals_and_turn_ends(observed: Observed) -> None:
    async with observed() as (url, traces):
        async with connected_client(url, headers={"traceparent": PARENT, "tracestate": "a=1"}) as client:
            await spoken(client)
        [span] = await traces.ended()
    assert span.context is not None
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id, span.kind) == (TRACE_ID, SPAN_ID, SpanKind.SERVER)
    attributes = dict(span.attributes or {})
    assert {attributes[name] for name in ("http.request.method", "url.path")} == {"GET", "/v1/stream"}
    assert (attributes["client.address"], attributes["auricle.dialect"]) == ("127.0.0.1", "native")
    assert attributes["session.id"] == client.events[0]["session"]
    assert attributes["gen_ai.response.model"] == client.events[0]["model"]
    assert attributes["auricle.audio.seconds"] == pytest.approx(len(PCM) / 16_000, abs=0.2)
    finals, ends = events(span, "auricle.final"), events(span, "auricle.turn_end")
    assert len(finals) == attributes["auricle.finals"] == client.kinds.count("final")
    assert len(ends) == attributes["auricle.turn_ends"] == client.kinds.count("turn_end") > 0
    assert ends[0]["auricle.delay.seconds"] >= 0.5
    assert any(0 < final.get("auricle.finalize.seconds", 0) < 60 for final in finals)
    assert (attributes["auricle.end.reason"], attributes["auricle.close_code"]) == ("ended", 1000)
    assert span.status.status_code is StatusCode.UNSET
    assert "auricle.text" not in span.to_json()
    assert TEXT not in span.to_json()
    assert span.resource.attributes["service.name"] == "auricle"
    assert span.resource.attributes["auricle.server.name"] == "one"


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        PARENT[:-1],
        PARENT + "-more",
        PARENT.upper(),
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT.replace("b7ad6b7169203331", "0" * 16),
        "x" * 8000,
    ],
    ids=["empty", "nonsense", "short", "longer", "upper", "version", "no trace", "no span", "huge"],
)
async def test_an_invalid_traceparent_begins_a_new_trace(observed: Observed, parent: str) -> None:
    async with observed() as (url, traces):
        async with connected_client(url, headers={"traceparent": parent, "tracestate": "x" * 7000}) as client:
            await client.start()
            await client.end()
        [span] = await traces.ended()
    assert span.parent is None
    assert span.context is not None
    assert span.context.trace_id != TRACE_ID


async def test_a_page_names_its_trace_in_the_query(observed: Observed) -> None:
    async with observed() as (url, traces):
        async with connected_client(url, f"?traceparent={PARENT}") as client:
            await client.start()
            await client.end()
        [span] = await traces.ended()
    assert span.parent is not None
    assert span.parent.span_id == SPAN_ID


async def test_a_stream_that_is_resumed_stays_one_span_with_a_link(observed: Observed) -> None:
    other = PARENT.replace("0af7", "1111")
    async with observed() as (url, traces):
        async with connected_client(url, headers={"traceparent": PARENT}) as client:
            ready = await client.start()
            await client.send_audio(PCM)
            await client.event("final")
            client.socket._response.connection.transport.abort()  # type: ignore[union-attr]
        seq = max(event["seq"] for event in client.events)
        headers = {RESUME_HEADER: f"{ready['resume_token']} {seq}", "traceparent": other}
        async with connected_client(url, headers=headers) as again:
            assert (await again.start())["session"] == ready["session"]
            await again.end()
        [span] = await traces.ended()
    assert [link.context.trace_id for link in span.links] == [int(other.split("-")[1], 16)]
    assert len(events(span, "auricle.resumed")) == 1
    assert dict(span.attributes or {})["auricle.resumed"] == 1
    assert span.parent is not None
    assert span.parent.span_id == SPAN_ID


async def test_a_failure_of_the_server_is_an_error_and_one_of_the_client_is_none(
    observed: Observed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with observed(drain_seconds=0.0) as (url, traces):
        async with connected_client(url) as client:
            await client.start()
            await client.send(type="no such message")
            await client.rest()
        [span] = await traces.ended()
        assert span.status.status_code is StatusCode.UNSET
        assert dict(span.attributes or {})["auricle.end.reason"] == "unknown_message"
        http = aiohttp.ClientSession()
        socket = await http.ws_connect(f"{url}/v1/stream")
        await RawClient(socket).start()
    await until(lambda: len(traces.spans) == 2)
    await http.close()
    last = traces.spans[-1]
    assert last.status.status_code is StatusCode.ERROR
    assert dict(last.attributes or {})["error.type"] == "shutting_down"
    reasons = [(line["reason"], line["close_code"]) for line in lines(caplog, "stream")]
    assert reasons == [("unknown_message", client.close_code), ("shutting_down", 1012)]


async def test_the_access_log_has_a_line_for_each_request_and_each_stream(
    observed: Observed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with observed(api_keys=("a-very-secret-key",)) as (url, _):
        headers = {"Authorization": "Bearer a-very-secret-key"}
        async with connected_client(url, "?latency_ms=80&token=SECRET", headers=headers) as client:
            await spoken(client)
        async with connected_client(url, headers=headers) as left:
            await left.start()
        async with aiohttp.ClientSession() as http:
            for path in ("/healthz", "/readyz", "/metrics", "/v1/SECRET%0a?key=SECRET&SECRET"):
                await (await http.get(url.replace("ws", "http", 1) + path)).read()
            with suppress(aiohttp.WSServerHandshakeError):
                await http.ws_connect(f"{url}/v1/stream", protocols=["auricle.v1", "token.SECRET"])
        await until(lambda: len(lines(caplog, "request")) == 4)
    first, second, lost, refused = lines(caplog, "request")
    assert (first["status"], first["path"]) == (101, "/v1/stream?latency_ms=80&...")
    assert (first["key"], first["dialect"], first["session"]) == ("api-key-1", "native", client.events[0]["session"])
    assert first["received_bytes"] > 2 * len(PCM)
    assert first["sent_bytes"] > 500
    assert second["status"] == 101
    assert (lost["status"], lost["path"]) == (404, "/v1/SECRET%0A?...")
    assert refused["status"] == 401
    one, other = lines(caplog, "stream")
    assert (one["finals"], one["turn_ends"]) == (client.kinds.count("final"), client.kinds.count("turn_end"))
    assert (one["close_code"], one["reason"], one["key"], one["model"]) == (1000, "ended", "api-key-1", "tones_en.nemo")
    assert one["audio_seconds"] == pytest.approx(len(PCM) / 16_000, abs=0.2)
    assert (other["reason"], other["close_code"], other["worker"]) == ("client_left", 1000, "worker-0")
    shown = "\n".join(record.getMessage() for record in caplog.records)
    assert "a-very-secret-key" not in shown
    assert "SECRET" not in shown.replace("/v1/SECRET%0A", "")
    assert all(word not in shown for word in TEXT.split() if len(word) > 3)


async def test_without_an_access_log_there_is_no_line(observed: Observed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with observed(access_log=False) as (url, _), connected_client(url) as client:
        await client.start()
        await client.end()
    assert not lines(caplog, "")


@pytest.mark.parametrize("content", ["redacted", "full"])
async def test_transcripts_are_written_where_that_is_allowed(
    observed: Observed, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    caplog.set_level(logging.INFO)
    term = TEXT.split()[1]
    async with observed(log_content=content) as (url, traces):
        async with connected_client(url) as client:
            await client.start(turn=TURN, keyterms=[term])
            await client.send_audio(PCM)
            await client.end()
        [span] = await traces.ended()
    shown = TEXT if content == "full" else " ".join("[keyterm]" if word == term else word for word in TEXT.split())
    texts = " ".join(final["auricle.text"] for final in events(span, "auricle.final") if final["auricle.text"])
    assert texts == shown
    logged = [record for record in caplog.records if record.name == "auricle_server.content"]
    assert " ".join(record.__dict__["context"]["text"] for record in logged if "final" in record.getMessage()) == shown
    assert json.loads(json.dumps(client.events[0]))["session"] in logged[0].getMessage()


async def test_several_streams_at_once_do_not_mix(observed: Observed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def stream(url: str, number: int) -> None:
        async with connected_client(url, headers={"traceparent": PARENT.replace("0af7", f"{number:04x}")}) as client:
            await spoken(client)

    async with observed() as (url, traces):
        await asyncio.gather(*(stream(url, number) for number in range(1, 6)))
        spans = await traces.ended(5)
    assert sorted(span.context.trace_id >> 112 for span in spans if span.context) == [1, 2, 3, 4, 5]
    assert {dict(span.attributes or {})["auricle.finals"] for span in spans} == {spans[0].attributes["auricle.finals"]}  # type: ignore[index]


def test_a_stream_that_moves_to_another_model_says_so() -> None:
    traces = Traces()
    record = StreamRecord(RequestContext(), StreamObserver(True, tracing=traces.tracing), lambda: 0.0)
    record.end(None, None)  # before it has a slot there is nothing to tell
    record.begin("s", "native", "en", "worker-0")
    fields = record.fields
    record.start("multi", "worker-1", ("Auricle",))
    record.end(1000, None)
    record.end(1011, None)
    [span] = traces.spans
    assert (fields["model"], fields["worker"], record.keyterms) == ("multi", "worker-1", ("Auricle",))
    attributes = dict(span.attributes or {})
    assert (attributes["gen_ai.response.model"], attributes["auricle.worker"]) == ("multi", "worker-1")
    assert attributes["auricle.close_code"] == 1000
