"""`auricle serve` as real processes: ZeroMQ between them, the real engine, kill -9 and SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from auricle import Final, Start, TurnSettings, connect
from tests.auricle_server.raw_client import connected_client, transcribed, until
from tests.auricle_server.serving.supervised import alive, metrics, serving, stopped
from tests.support import tones

pytestmark = pytest.mark.slow


async def test_a_server_outlives_its_worker_and_its_gateway_and_drains() -> None:
    audio, text = tones.utterance(81, 3)
    async with serving(slots=4, drain_seconds=0.2) as server:
        assert server.url.startswith("ws://127.0.0.1:")
        assert await transcribed(server.url, audio) == text

        # The worker is killed in mid-word: its streams are told so, and a successor serves at the same place.
        async with connected_client(server.url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio[:12000])
            await client.event("interim")
            os.kill(server.pids("worker-0")[0], signal.SIGKILL)
            error = (await client.rest())[-1]
            assert (error["code"], error["fault"], client.close_code) == ("worker_lost", "server", 1012)
        assert await server.readiness() == 503
        await server.until_readiness(200)
        assert await transcribed(server.url, audio) == text

        # The gateway is killed: another listens at the same port, and the slots of its streams come back.
        async with connected_client(server.url) as client:
            await client.start()
            os.kill(server.pids("gateway-0")[0], signal.SIGKILL)
            assert (await client.socket.receive()).type is not aiohttp.WSMsgType.TEXT
        await server.until_pids("gateway-0", 2)
        await server.until_readiness(200)
        assert await transcribed(server.url, audio) == text

        # SIGTERM in mid-word: what was said becomes final, the client is sent elsewhere, and no process stays behind.
        async with connected_client(server.url) as client:
            await client.start(latency_ms=80, turn={"mode": "off"})
            await client.send_audio(audio)
            await client.event("interim")
            server.process.terminate()
            *_, final, error = await client.rest()
            assert (final["type"], error["code"], client.close_code) == ("final", "shutting_down", 1012)
            assert client.text == text
        assert await asyncio.wait_for(server.process.wait(), 30) == 0
        assert not any(alive(pid) for name in ("worker-0", "gateway-0") for pid in server.pids(name))


async def test_a_call_outlives_its_worker_and_its_gateway() -> None:
    """The real client, at twice the speed of speech: both processes are killed in between, no word lost or doubled."""
    audio, text = tones.utterance(83, 8)
    start = Start(latency_ms=80, turn=TurnSettings(mode="silence", silence_ms=300))
    async with serving(slots=4) as server, connect(server.url, start=start) as stream:
        finals: list[str] = []

        async def listen() -> None:
            async for event in stream:
                finals.extend([event.text] if isinstance(event, Final) else [])

        listening = asyncio.create_task(listen())
        for number, at in enumerate(range(0, len(audio), 640)):
            await stream.send(audio[at : at + 640].tobytes())
            await asyncio.sleep(0.02)
            if number == 25:
                os.kill(server.pids("worker-0")[0], signal.SIGKILL)
            if number == 80:
                os.kill(server.pids("gateway-0")[0], signal.SIGKILL)
        await stream.end()
        await asyncio.wait_for(listening, 60)
        assert " ".join(filter(None, finals)) == text


async def test_gateways_share_a_port_and_a_worker() -> None:
    audio, text = tones.utterance(82, 2)
    async with serving(slots=2, gateways=2, drain_seconds=0) as server:
        await server.until_pids("gateway-1", 1)
        assert await asyncio.gather(*(transcribed(server.url, audio) for _ in range(2))) == [text, text]
        async with connected_client(server.url) as one, connected_client(server.url) as two:
            await one.start()
            await two.start()
            for _ in range(4):  # whichever gateway answers, it knows that the other's streams have the slots
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    async with connected_client(server.url):
                        pass
                assert refused.value.status == 503
        assert await stopped(server) == 0


async def test_a_client_comes_back_to_its_stream_whichever_gateway_it_finds() -> None:
    audio, text = tones.utterance(83, 12)
    data = audio.tobytes()
    async with serving(slots=4, gateways=3) as server, AsyncExitStack() as stack:
        client = await stack.enter_async_context(connected_client(server.url))
        token, held, seq = (await client.start(latency_ms=80))["resume_token"], 0, 1
        for back in range(1, 13):
            part = data[2 * held : back * len(data) // 13 // 2 * 2]
            await client.send_audio(part)
            if back % 2:  # one way of going is a cut, the other a connection that only seems to be there
                connection = client.socket._response.connection
                assert connection is not None
                assert connection.transport is not None
                connection.transport.abort()
            client = await stack.enter_async_context(
                connected_client(server.url, headers={"Auricle-Resume": f"{token} {seq}"})
            )
            ready = await client.start(latency_ms=80)
            held, seq = ready["held"]["samples"], ready["seq"]
        await client.send_audio(data[2 * held :])
        await client.end()
        assert (client.text, client.close_code) == (text, 1000)
        shown = await metrics(server)
        assert shown["auricle_resumed_total"] == 12

        # A gateway that has been killed has nothing to come back to: the client gets a new stream.
        client = await stack.enter_async_context(connected_client(server.url))
        token = (await client.start())["resume_token"]
        os.kill(server.pids(f"gateway-{token[0]}")[-1], signal.SIGKILL)
        await server.until_pids(f"gateway-{token[0]}", 2)
        await server.until_readiness(200)
        again = await stack.enter_async_context(connected_client(server.url, headers={"Auricle-Resume": f"{token} 1"}))
        assert "held" not in await again.start()


async def test_three_gateways_are_one_server() -> None:
    """Streams are spread over all, full is exact across them, `/metrics` is of all, a killed one's slots come back."""
    audio, text = tones.utterance(84, 2)
    slots = 12
    async with serving(slots=slots, gateways=3, drain_seconds=0, max_load=0) as server, AsyncExitStack() as talks:
        held = [await talks.enter_async_context(connected_client(server.url)) for _ in range(slots)]
        for client in held:
            await client.start(latency_ms=160)
        for _ in range(6):  # whichever gateway answers
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected_client(server.url):
                    pass
            assert refused.value.status == 503
        for _ in range(6):
            shown = await metrics(server)
            assert (shown["auricle_streams"], shown["auricle_slots"]) == (slots, slots)
        for client in held:
            await client.send_audio(audio)

        # The kernel spreads connections by a hash; with twelve, a gateway without any is a matter of one run in 40.
        counts = {pid: established(pid) for index in range(3) for pid in server.pids(f"gateway-{index}")}
        assert sum(counts.values()) == slots
        assert sum(count > 0 for count in counts.values()) >= 2
        victim = max(counts, key=lambda pid: counts[pid])
        os.kill(victim, signal.SIGKILL)
        survivors = []
        for client in held:
            try:
                await client.end()
                survivors.append(client)
            except (AssertionError, aiohttp.ClientError):  # cut off
                assert client.close_code is None
        survivors = [client for client in survivors if client.close_code == 1000]
        assert len(survivors) == slots - counts[victim]
        assert {client.text for client in survivors} == {text}

        async def all_free() -> bool:
            return (await metrics(server))["auricle_slots_used"] == 0

        await until(lambda: "gateway lost" in server.log and server.log.count("worker ready") == 4)
        await until(all_free)  # gateways hear of the worker's slots once a second
        assert (await metrics(server))["auricle_streams"] == 0
        again = await asyncio.gather(*(transcribed(server.url, audio) for _ in range(slots)))
        assert again == [text] * slots
        shown = await metrics(server)
        heard = shown["auricle_audio_seconds_total"]
        assert heard == pytest.approx(len(audio) / 16000 * 2 * slots, rel=0.6)  # the victim's own count stays
        assert heard >= len(audio) / 16000 * (slots + len(survivors)) - 1
        assert await stopped(server) == 0


def established(pid: int) -> int:
    """Sockets of a process that are connections to its port."""
    sockets = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(line[3] == "01" and f"socket:[{line[9]}]" in sockets for line in lines)


async def test_a_server_that_cannot_start_says_why_and_ends(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with serving(port=taken.getsockname()[1]) as server:
            assert await asyncio.wait_for(server.process.wait(), 30) == 1
        assert "cannot listen" in server.log
    async with serving(model=str(tmp_path / "none.nemo")) as server:
        assert await asyncio.wait_for(server.process.wait(), 60) == 1
    assert "none.nemo" in server.log
    assert "Traceback" not in server.log


async def test_a_supervisor_that_is_killed_leaves_no_process() -> None:
    async with serving(drain_seconds=0) as server:
        pids = server.pids("worker-0") + server.pids("gateway-0")
        assert len(pids) == 2
        server.process.kill()
        await until(lambda: not any(map(alive, pids)))
