"""The client against a real server on the loopback: its sessions, keys and certificates, and that it cleans up."""

from __future__ import annotations

import asyncio
import gc
import ssl
from pathlib import Path

import aiohttp
import pytest

import auricle
from auricle import (
    AuricleClient,
    ConnectionFailed,
    Final,
    Interim,
    ProtocolError,
    Refused,
    SpeechStarted,
)
from tests.auricle.listening import everything
from tests.support.bursts import START, burst_server, speech, word
from tests.support.scripted_server import ScriptedServer, client_tasks


async def test_one_client_opens_many_streams() -> None:
    async with burst_server() as server, AuricleClient(server.url) as client:
        streams = [await client.open(START) for _ in range(5)]
        for number, stream in enumerate(streams):
            await stream.send(word(number + 1))
            await stream.end()
        texts = [[event.text for event in await everything(each) if isinstance(event, Final)] for each in streams]
        for stream in streams:
            await stream.aclose()
    assert texts == [["w1"], ["w2"], ["w3"], ["w4"], ["w5"]]


async def test_a_session_that_was_given_stays_open() -> None:
    async with burst_server() as server, aiohttp.ClientSession() as session:
        async with auricle.connect(server.url, start=START, session=session) as stream:
            await stream.end()
            await everything(stream)
        assert not session.closed


async def test_the_key_is_a_bearer_token() -> None:
    async with burst_server(key="sesame") as server:
        async with auricle.connect(server.url, start=START, api_key="sesame") as stream:
            assert stream.ready.session == "1"
        with pytest.raises(Refused) as caught:
            async with auricle.connect(server.url, start=START, api_key="wrong"):
                pass
    assert caught.value.status == 401
    assert "wrong" not in str(caught.value)


# --- leaving nothing behind ------------------------------------------------------------------------------------------


async def nothing_is_left(server: ScriptedServer, tasks: set[asyncio.Task[object]]) -> None:
    await server.until_deserted()
    assert client_tasks() == tasks
    gc.collect()  # an unclosed session, transport or socket warns now, and warnings are errors


async def test_closing_in_the_middle_leaves_no_task_and_no_socket() -> None:
    async with burst_server() as server:
        tasks = client_tasks()
        async with auricle.connect(server.url, start=START) as stream:
            await stream.send(speech([1, 2, 3]))
            await stream.finalize()
        await nothing_is_left(server, tasks)
        with pytest.raises(ProtocolError, match="after_end"):
            await stream.send(word(1))
        assert all(isinstance(event, Interim | SpeechStarted | Final) for event in await everything(stream))


async def test_closing_at_once_leaves_no_task_and_no_socket() -> None:
    async with burst_server() as server, AuricleClient(server.url) as client:
        tasks = client_tasks()
        stream = await client.open(START)
        await stream.aclose()
        await stream.aclose()
        await nothing_is_left(server, tasks)


async def test_a_reader_wakes_when_its_stream_is_closed() -> None:
    async with burst_server() as server, auricle.connect(server.url, start=START) as stream:
        reader = asyncio.create_task(everything(stream))
        await server.until(lambda: len(server.starts) == 1)
        await stream.aclose()
        assert await reader == []


async def test_an_error_in_the_block_closes_the_stream_too() -> None:
    async with burst_server() as server:
        tasks = client_tasks()
        with pytest.raises(ZeroDivisionError):
            async with auricle.connect(server.url, start=START):
                raise ZeroDivisionError
        await nothing_is_left(server, tasks)


# --- TLS -------------------------------------------------------------------------------------------------------------


async def test_a_trusted_certificate_is_a_secure_stream(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))
    async with burst_server(tls=served) as server:
        tasks = client_tasks()
        async with auricle.connect(server.url, start=START, ssl=trusting) as stream:
            assert server.url.startswith("wss://")
            await stream.send(word(1))
            await stream.end()
            assert [event.text for event in await everything(stream) if isinstance(event, Final)] == ["w1"]
        await nothing_is_left(server, tasks)


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: tuple[Path, Path]) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*certificate)
    async with burst_server(tls=served) as server:
        with pytest.raises(ConnectionFailed, match="not trusted") as caught:
            async with auricle.connect(server.url, start=START):
                pass
        assert (caught.value.reason, caught.value.permanent) == ("tls", True)
        with pytest.raises(ConnectionFailed) as caught:
            async with auricle.connect(server.url.replace("wss", "ws"), start=START, connect_timeout=2.0):
                pass
        assert caught.value.reason == "unreachable"


async def test_tls_to_a_server_without_it() -> None:
    async with burst_server() as server:
        with pytest.raises(ConnectionFailed) as caught:
            async with auricle.connect(server.url.replace("ws", "wss"), start=START):
                pass
    assert caught.value.reason == "tls"
