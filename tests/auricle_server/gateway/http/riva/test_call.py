"""A call's shell: backpressure, clients that go or do not read, and the end of the server."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from auricle_server.gateway.http.riva import service
from auricle_server.gateway.http.riva.call import RivaCall
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import until
from tests.support import tones
from tests.support.servers.riva import Stub, connected_stub, first, force_end, free_port, pieces

SHORT, SAID = tones.utterance(11, 3, trailing=0.1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[RivaCall]:
    """All calls of the server, as they come."""
    made: list[RivaCall] = []

    class Noted(RivaCall):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]  # as the service passes them
            made.append(self)

    monkeypatch.setattr(service, "RivaCall", Noted)
    return made


async def test_a_client_that_goes_gives_its_slot_back(stub: Stub, calls: list[RivaCall]) -> None:
    call = stub.stream()
    await call.write(first())
    for request in (*pieces(SHORT), force_end()):
        await call.write(request)
    await call.read()
    call.cancel()
    await until(lambda: calls[0].cut)


async def test_more_audio_than_the_server_holds_is_taken_in_time(serve: Serve) -> None:
    port = free_port()
    pcm, text = tones.utterance(5, 60)
    async with serve(riva_port=port, buffered_seconds=0.5), connected_stub(port) as stub:
        results = await stub.say(first(), *pieces(pcm))
    assert " ".join(result.alternatives[0].transcript for result in results) == text


async def test_a_call_that_is_aborted_ends(stub: Stub, calls: list[RivaCall]) -> None:
    call = stub.stream()
    await call.write(first())
    await until(lambda: bool(calls))
    calls[0].detach()
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await asyncio.wait_for(call.read(), 30)
    assert failed.value.code() is grpc.StatusCode.CANCELLED


async def test_a_client_that_does_not_read_is_cut(serve: Serve, calls: list[RivaCall]) -> None:
    port = free_port()
    async with serve(riva_port=port, stall_seconds=0.05), connected_stub(port) as stub:
        call = stub.stream()
        await call.write(first())
        await until(lambda: bool(calls))

        async def never(_: object) -> None:
            await asyncio.Event().wait()

        calls[0]._send = never
        for request in (*pieces(SHORT), force_end()):
            await call.write(request)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await asyncio.wait_for(call.read(), 30)
        assert failed.value.code() is grpc.StatusCode.CANCELLED


async def test_a_server_that_ends_says_so(serve: Serve) -> None:
    port = free_port()
    results: list[Any] = []

    async def collect(call: Any) -> None:
        async for response in call:
            results.extend(response.results)

    async with connected_stub(port) as stub:
        async with serve(riva_port=port):
            call = stub.stream()
            collecting = asyncio.create_task(collect(call))
            await call.write(first(True))
            for request in pieces(SHORT):
                await call.write(request)
            await until(lambda: bool(results))
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await asyncio.wait_for(collecting, 30)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert failed.value.details().startswith("shutting_down: ")
    assert SAID.startswith(results[-1].alternatives[0].transcript)
