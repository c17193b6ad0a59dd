"""What each signal does to a running server."""

from __future__ import annotations

import os
import signal

import pytest

from tests.auricle_server.raw_client import connected_client, transcribed, until
from tests.auricle_server.serving.test_supervisor import alive, serving, stopped
from tests.support import tones

pytestmark = pytest.mark.slow


async def test_sighup_reloads_in_every_gateway_and_ends_nothing() -> None:
    audio, text = tones.utterance(85, 2)
    async with serving(slots=2, gateways=2, drain_seconds=0) as server:
        await server.until_pids("gateway-1", 1)
        pids = [pid for name in ("worker-0", "gateway-0", "gateway-1") for pid in server.pids(name)]
        async with connected_client(server.url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio)
            server.process.send_signal(signal.SIGHUP)
            await until(lambda: server.log.count("reloading") == 2)
            for pid in pids:  # as a terminal does that is closed: to every process of its group
                os.kill(pid, signal.SIGHUP)
            await until(lambda: server.log.count("reloading") == 4)
            await client.end()
            assert (client.text, client.close_code) == (text, 1000)
        assert "died" not in server.log
        assert await stopped(server) == 0


@pytest.mark.parametrize("name", ["worker-0", "gateway-0"])
async def test_a_process_that_hangs_is_replaced(name: str) -> None:
    audio, text = tones.utterance(88, 3)
    async with serving(slots=2, drain_seconds=0, hung_seconds=4.0) as server:
        [pid] = server.pids(name)
        os.kill(pid, signal.SIGSTOP)
        await server.until_pids(name, 2)
        assert not alive(pid)
        assert f"killed process={name} pid={pid}: it hangs" in server.log
        await server.until_readiness(200)
        assert await transcribed(server.url, audio) == text
        assert await stopped(server) == 0
