"""The port for clients of Riva, served by real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from auricle_server.gateway.dialects.riva.messages import NOT_SERVING, SERVING
from auricle_server.serving.port import reserve_port
from tests.auricle_server.raw_client import until
from tests.auricle_server.serving.supervised import alive, serving, stopped
from tests.support import tones
from tests.support.servers.authority import Authority, serial_number
from tests.support.servers.riva import connected_stub, first, free_port, pieces

pytestmark = pytest.mark.slow

PCM, TEXT = tones.utterance(87, 3)


def text(results: list[Any]) -> str:
    return " ".join(each.alternatives[0].transcript for each in results if each.is_final)


async def said(port: int) -> str:
    """What a new connection hears."""
    async with connected_stub(port) as stub:
        return text(await stub.say(first(), *pieces(PCM)))


async def health(port: int) -> int:
    """The status; 0 of a server that is not there."""
    with suppress(grpc.aio.AioRpcError):
        async with connected_stub(port) as stub:
            return await stub.health()
    return 0


async def test_every_gateway_takes_calls_and_one_that_is_killed_is_replaced() -> None:
    port = free_port()
    async with serving(slots=4, gateways=2, drain_seconds=0, max_load=0, riva_port=port) as server:
        await until(lambda: server.log.count("listening for clients of Riva") == 2)
        assert await health(port) == SERVING
        assert [await said(port) for _ in range(4)] == [TEXT] * 4
        os.kill(server.pids("gateway-0")[0], signal.SIGKILL)
        await server.until_pids("gateway-0", 2)
        await until(lambda: server.log.count("listening for clients of Riva") == 3)
        await server.until_readiness(200)
        assert [await said(port) for _ in range(4)] == [TEXT] * 4
        assert await stopped(server) == 0
    assert await health(port) == 0


async def test_a_drain_tells_health_checks_and_lets_calls_end() -> None:
    port = free_port()
    async with serving(slots=2, drain_seconds=60, max_load=0, riva_port=port) as server, connected_stub(port) as stub:
        call = stub.stream()
        for request in (first(), *pieces(PCM)):
            await call.write(request)
        await until(lambda: "stream started" in server.log)
        server.process.terminate()

        async def drains() -> bool:
            return await health(port) == NOT_SERVING

        await until(drains)
        async with connected_stub(port) as another:
            with pytest.raises(grpc.aio.AioRpcError, match="shuts down") as refused:
                await another.recognize(PCM.tobytes())
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        await call.done_writing()
        assert text([result async for response in call for result in response.results]) == TEXT
        assert await asyncio.wait_for(server.process.wait(), 60) == 0


async def test_gateways_without_a_supervisor_leave_the_port_and_end_their_calls() -> None:
    port = free_port()
    async with serving(slots=2, drain_seconds=60, max_load=0, riva_port=port) as server, connected_stub(port) as stub:
        pids = server.pids("worker-0") + server.pids("gateway-0")
        call = stub.stream()
        for request in (first(), *pieces(PCM)):
            await call.write(request)
        await until(lambda: "stream started" in server.log)
        server.process.kill()
        await until(lambda: "draining" in server.log)

        async def is_free() -> bool:
            try:
                reserve_port("127.0.0.1", port).close()
            except OSError:
                return False
            return True

        await until(is_free)
        await call.done_writing()
        assert text([result async for response in call for result in response.results]) == TEXT
        await until(lambda: not any(map(alive, pids)), 60)


async def test_sighup_brings_a_renewed_certificate_here_too(tmp_path: Path) -> None:
    port, authority = free_port(), Authority(tmp_path)
    cert, key = authority.certificate()
    trusted = tmp_path / "ca.pem"
    authority._authority.cert_pem.write_to_path(str(trusted))
    authority.trusting.set_alpn_protocols(["h2"])
    there = f"https://127.0.0.1:{port}"
    files = {"tls_cert": str(cert), "tls_key": str(key)}
    async with serving(slots=2, drain_seconds=0, max_load=0, riva_port=port, **files) as server:
        before = await serial_number(there, authority.trusting)
        for file, new in zip((cert, key), authority.certificate("renewed"), strict=True):
            file.write_bytes(new.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: "reloading" in server.log)
        renewed = await serial_number(there, authority.trusting)
        assert renewed != before

        key.write_bytes(b"")
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: "cannot use the TLS certificate" in server.log)
        assert await serial_number(there, authority.trusting) == renewed
        async with connected_stub(port, credentials=grpc.ssl_channel_credentials(trusted.read_bytes())) as stub:
            assert text(await stub.say(first(), *pieces(PCM))) == TEXT
        assert await stopped(server) == 0
