"""Recordings of requests, and calls of gRPC, as spans and as lines."""

from __future__ import annotations

import io
import logging

import aiohttp
import grpc
import pytest
import soundfile
from opentelemetry.trace import SpanKind, StatusCode

from auricle_server.gateway.errors import AtCapacity, BadRequest
from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.recording_span import recording_span
from tests.auricle_server.telemetry.conftest import Observed
from tests.auricle_server.telemetry.test_stream_record import lines
from tests.support import tones
from tests.support.servers.riva import connected_stub, first, free_port, pieces
from tests.support.servers.traces import PARENT, TRACE_ID, Traces, events

PCM, TEXT = tones.utterance(seed=3, words=3, trailing=0.3)
PATH = "/v1/audio/transcriptions"


def wave() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, PCM, 16_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


async def test_a_recording_is_a_span_around_its_streams(observed: Observed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with observed() as (url, traces), aiohttp.ClientSession(headers={"traceparent": PARENT}) as http:
        form = aiohttp.FormData({"model": "whisper-1"})
        form.add_field("file", wave(), filename="secret-name.wav")
        async with http.post(url.replace("ws", "http", 1) + PATH, data=form) as answer:
            assert (await answer.json())["text"] == TEXT
        [recording] = await traces.ended(name="auricle.recording")
        [stream] = await traces.ended()
    assert recording.context is not None
    assert stream.parent is not None
    assert stream.parent.span_id == recording.context.span_id
    assert (recording.context.trace_id, recording.kind, stream.kind) == (TRACE_ID, SpanKind.SERVER, SpanKind.INTERNAL)
    assert dict(recording.attributes or {})["url.path"] == PATH
    assert events(stream, "auricle.final")
    [request] = lines(caplog, "request")
    assert (request["method"], request["path"], request["status"]) == ("POST", PATH, 200)
    assert request["received_bytes"] > len(PCM) * 2
    [ended] = lines(caplog, "stream")
    assert (ended["dialect"], ended["session"]) == (request["dialect"], request["session"])
    assert "secret-name" not in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(BadRequest("no"), StatusCode.UNSET), (AtCapacity("no"), StatusCode.ERROR), (KeyError("x"), StatusCode.ERROR)],
    ids=["client", "server", "fault"],
)
async def test_a_recording_that_fails(error: Exception, status: StatusCode) -> None:
    traces, request = Traces(), RequestContext()
    with pytest.raises(type(error)), recording_span(traces.tracing, request, "openai"):
        raise error
    assert request.span is None
    [span] = traces.spans
    assert span.status.status_code is status
    with recording_span(None, request, "openai"):
        assert request.span is None


async def test_a_client_that_goes_is_no_error() -> None:
    traces = Traces()
    with pytest.raises(ConnectionResetError), recording_span(traces.tracing, RequestContext(), "openai"):
        raise ConnectionResetError
    [span] = traces.spans
    assert (span.status.status_code, dict(span.attributes or {})["auricle.end.reason"]) == (
        StatusCode.UNSET,
        "client_left",
    )


async def test_a_call_of_grpc_is_told_like_a_request(observed: Observed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    async with observed(riva_port=port, api_keys=("a-very-secret-key",)) as (_, traces):
        async with connected_stub(port, "a-very-secret-key") as stub:
            stub._metadata = (*stub._metadata, ("traceparent", PARENT))
            await stub.say(first(), *pieces(PCM))
            await stub.recognize(PCM.tobytes())
            await stub.health()
        async with connected_stub(port, "another") as stub:
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.models()
        live, offline = await traces.ended(2)
        [recording] = await traces.ended(name="auricle.recording")
    assert live.context is not None
    assert live.context.trace_id == TRACE_ID
    attributes = dict(live.attributes or {})
    assert (attributes["rpc.system"], attributes["rpc.method"]) == ("grpc", "StreamingRecognize")
    assert offline.parent is not None
    assert recording.context is not None
    assert offline.parent.span_id == recording.context.span_id
    requests = [(line["path"].rpartition("/")[2], line["status"]) for line in lines(caplog, "request")]
    assert requests == [
        ("StreamingRecognize", "OK"),
        ("Recognize", "OK"),
        ("GetRivaSpeechRecognitionConfig", "UNAUTHENTICATED"),
    ]
    streams = lines(caplog, "stream")
    assert [(line["dialect"], line["key"], line["peer"]) for line in streams] == [
        ("riva", "api-key-1", "127.0.0.1"),
        (dict(recording.attributes or {})["auricle.dialect"], "api-key-1", "127.0.0.1"),
    ]
    assert "a-very-secret-key" not in caplog.text
