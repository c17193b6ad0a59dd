"""What each signal does to a running server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from auricle_server.serving.port import reserve_port
from tests.auricle_server.raw_client import connected_client, transcribed, until
from tests.auricle_server.serving.supervised import Server, alive, serving, stopped
from tests.support import tones

pytestmark = pytest.mark.slow


def folder_of(server: Server) -> Path:
    """The folder of its sockets."""
    [folder] = set(re.findall(r"folder of the sockets=(\S+)", server.log))
    return Path(folder)


async def test_sighup_reloads_in_every_gateway_and_ends_nothing() -> None:
    audio, text = tones.utterance(85, 2)
    async with serving(slots=2, gateways=2, drain_seconds=0, max_load=0) as server:
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


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGQUIT])
async def test_a_second_sigint_ends_a_server_at_once(second: signal.Signals) -> None:
    async with serving(slots=2, drain_seconds=300, max_load=0) as server:
        pids = server.pids("worker-0") + server.pids("gateway-0")
        async with connected_client(server.url) as client:
            await client.start()
            for pid in (server.process.pid, *pids):  # Ctrl-C in a terminal: all of its processes get it
                os.kill(pid, signal.SIGINT)
            await until(lambda: "draining" in server.log)
            await client.send(type="finalize", id="f")
            await client.event("final")  # the first lets streams go on
            server.process.send_signal(signal.SIGTERM)  # and so does the SIGTERM of an orchestrator
            await client.send(type="finalize", id="g")
            await client.event("final")
            server.process.send_signal(second)
            assert await asyncio.wait_for(server.process.wait(), 60) == 128 + signal.SIGINT
        assert not any(map(alive, pids))
        assert not folder_of(server).exists()


async def test_children_without_a_supervisor_drain_and_leave_nothing() -> None:
    audio, text = tones.utterance(81, 3)
    async with serving(slots=2, gateways=2, drain_seconds=3.0, max_load=0) as server:
        pids = [pid for name in ("worker-0", "gateway-0", "gateway-1") for pid in server.pids(name)]
        async with connected_client(server.url) as ending, connected_client(server.url) as speaking:
            for client in (ending, speaking):
                await client.start(latency_ms=80, turn={"mode": "off"})
                await client.send_audio(audio)
                await client.event("interim")
            server.process.kill()
            await until(lambda: server.log.count("draining") == 2)
            await ending.end()  # within the drain a stream ends as ever
            assert (ending.text, ending.close_code) == (text, 1000)
            # The port is free for the server that follows, while streams of this one go on.
            reserve_port("127.0.0.1", int(server.url.rpartition(":")[2])).close()
            *_, final, error = await speaking.rest()
            assert (final["type"], error["code"], speaking.close_code) == ("final", "shutting_down", 1012)
            assert speaking.text == text
        await until(lambda: not any(map(alive, pids)), 60)
        await until(lambda: not folder_of(server).exists(), 60)  # by the last of them, perhaps a standby


async def test_a_start_removes_what_a_server_left_of_which_all_was_killed() -> None:
    async with serving(slots=2) as server:
        left = folder_of(server)
        for pid in (server.process.pid, *server.pids("worker-0"), *server.pids("gateway-0")):
            os.kill(pid, signal.SIGKILL)
    assert left.exists()
    async with serving(slots=2, drain_seconds=0) as server:
        assert not left.exists()
        assert await stopped(server) == 0
    assert not folder_of(server).exists()


async def test_a_stop_ends_within_its_drain_and_four_seconds() -> None:
    """With a client that neither ends nor answers, and a worker that does not answer either."""
    async with serving(slots=2, drain_seconds=1.0, max_load=0) as server, connected_client(server.url) as client:
        await client.start()
        [worker] = server.pids("worker-0")
        os.kill(worker, signal.SIGSTOP)
        began = asyncio.get_running_loop().time()
        server.process.terminate()
        assert await asyncio.wait_for(server.process.wait(), 60) == 0
        assert not alive(worker)
        # The bound is 5 s; this machine may be busy.
        assert asyncio.get_running_loop().time() - began < 20
