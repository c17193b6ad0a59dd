"""A server whose gateway may have few files open: half requests take none from streams, nor streams from health."""

from __future__ import annotations

import asyncio
import os
import resource
import signal

import aiohttp
import pytest

from tests.auricle_server.raw_client import connected_client, transcribed
from tests.auricle_server.serving.supervised import Server, serving
from tests.support import tones

pytestmark = pytest.mark.slow


def allow(pid: int, files: int) -> None:
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (files, hard))


async def get(server: Server, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(server.url.replace("ws", "http", 1) + path) as answer:
        return answer.status, await answer.text()


async def test_more_half_requests_than_descriptors_stop_neither_streams_nor_health() -> None:
    audio, text = tones.utterance(81, 3)
    async with serving(slots=4) as server:
        allow(server.pids("gateway-0")[0], 160)
        async with connected_client(server.url) as client:
            await client.start()
            await client.send_audio(audio[:12000])
            halves = []
            for _ in range(400):
                halves.append(await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2])))
                halves[-1][1].write(b"GET /v1/st")
            for _ in range(3):
                assert (await get(server, "/healthz"))[0] == 200
                assert await transcribed(server.url, audio) == text
            await client.send_audio(audio[12000:])
            await client.end()
            assert (client.text, client.close_code) == (text, 1000)
        assert 'auricle_connections_closed_total{reason="descriptors"}' in (await get(server, "/metrics"))[1]
        for _, writer in halves:
            writer.transport.abort()
        assert "reason=descriptors" in server.log
        assert server.log.count("closed without a stream") < 20
        assert "Traceback" not in server.log


async def test_a_burst_of_half_requests_takes_no_descriptor_from_a_stream_behind_it() -> None:
    audio, text = tones.utterance(81, 3)
    async with serving(slots=4) as server:
        gateway = server.pids("gateway-0")[0]
        allow(gateway, 160)
        halves = []
        os.kill(gateway, signal.SIGSTOP)  # so that all of them wait to be accepted
        try:
            for _ in range(400):
                halves.append(await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2])))
                halves[-1][1].write(b"GET /v1/st")
            heard = [asyncio.create_task(transcribed(server.url, audio)) for _ in range(3)]
            await asyncio.sleep(0.5)
        finally:
            os.kill(gateway, signal.SIGCONT)
        assert await asyncio.gather(*heard) == [text] * 3
        for _, writer in halves:
            writer.transport.abort()
        assert "cannot accept connections" not in server.log


async def test_the_last_descriptors_are_for_health() -> None:
    async with serving(slots=4) as server:
        gateway = server.pids("gateway-0")[0]
        allow(gateway, len(os.listdir(f"/proc/{gateway}/fd")) + 3)  # noqa: PTH208  # no disk is read
        for _ in range(5):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected_client(server.url):
                    pass
            assert refused.value.status == 503
            assert (await get(server, "/healthz"))[0] == 200
        allow(gateway, 200)
        async with connected_client(server.url) as client:
            assert (await client.start())["type"] == "ready"
            await client.end()
