"""A worker that stands by takes the place of one that dies, and no call is lost."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from typing import Any

import pytest

from auricle import Final, Reconnecting, Start, TurnSettings, connect
from auricle_server.config import ServerConfig
from auricle_server.serving.children import standby as module
from auricle_server.serving.children.child import Child, context
from auricle_server.serving.children.standby import MOST_FAILED_STARTS, Standby
from tests.auricle_server.raw_client import until
from tests.auricle_server.serving.supervised import Server, serving, stopped
from tests.support import tones


async def until_logged(server: Server, text: str, times: int) -> None:
    await until(lambda: server.log.count(text) >= times, 120)


async def until_standing_by(server: Server, times: int) -> int:
    """Waits until a worker stands by that is ready, and returns its process."""
    await until_logged(server, "stands by process=standby", times)
    return server.pids("standby")[-1]


@pytest.mark.slow
async def test_the_standby_serves_where_a_worker_was_killed_twice() -> None:
    audio, text = tones.utterance(87, 8)
    start = Start(latency_ms=560, turn=TurnSettings(mode="silence", silence_ms=300))
    async with serving(slots=4, standby=True, max_load=1.0) as server, connect(server.url, start=start) as stream:
        finals: list[str] = []
        attempts: list[Any] = []

        async def listen() -> None:
            async for event in stream:
                finals.extend([event.text] if isinstance(event, Final) else [])
                attempts.extend([event] if isinstance(event, Reconnecting) else [])

        listening = asyncio.create_task(listen())
        third = len(audio) // 3
        for kill in range(2):
            standing_by = await until_standing_by(server, kill + 1)
            await stream.send(audio[kill * third : (kill + 1) * third].tobytes())
            os.kill(server.pids("worker-0")[-1], signal.SIGKILL)
            assert (await server.until_pids("worker-0", kill + 2))[-1] == standing_by
            await until_logged(server, "worker ready", kill + 2)
        assert server.log.count("calibrated steps") == 1, "the timings are handed on"
        await stream.send(audio[2 * third :].tobytes())
        await stream.end()
        await asyncio.wait_for(listening, 60)
        assert " ".join(filter(None, finals)) == text
        assert all(event.attempt <= 2 for event in attempts)
        assert await stopped(server) == 0


@pytest.mark.slow
async def test_a_standby_that_is_killed_is_replaced_and_harms_nobody() -> None:
    async with serving(slots=2, standby=True, drain_seconds=0) as server:
        os.kill(await until_standing_by(server, 1), signal.SIGKILL)
        await until_standing_by(server, 2)
        assert len(server.pids("worker-0")) == 1
        assert await server.readiness() == 200
        assert await stopped(server) == 0


def test_no_worker_stands_by_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader, _ = context.Pipe(duplex=False)
    standby = Standby(ServerConfig(), reader)
    worker = Child("worker-0", standby.launch, lambda ready: (ready,))
    monkeypatch.setattr(module, "free_memory", lambda: 1 << 29)
    now = time.monotonic()
    with caplog.at_level(logging.INFO):
        standby.launch(worker, now)
        standby.launch(worker, now)
    assert standby.child.process is None
    assert not standby.is_due(now)
    assert standby.is_due(now + 60)
    [said] = caplog.messages
    assert "1024 MB" in said
    assert "512 are free" in said


def test_a_standby_that_cannot_start_is_given_up() -> None:
    reader, _ = context.Pipe(duplex=False)
    standby = Standby(ServerConfig(), reader)
    assert standby.is_due(0.0)
    standby.child.failed_starts = MOST_FAILED_STARTS
    assert not standby.is_due(1e9)
    assert not Standby(ServerConfig(standby=False), reader).is_due(0.0)
