"""Two streams on one pool: their windows share calls, and a stream that has closed hears nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from auricle_server.bench.clips import BenchClip
from auricle_server.gateway.audio.turn_model_pool import LoopExecutor, TurnModelPool
from auricle_server.telemetry.metrics import Metrics
from auricle_server.voice.models import ModelFiles, load_models
from auricle_server.voice.silero import WINDOW, PendingAudio, VoiceTrack


@pytest.fixture
async def pool(found: ModelFiles) -> AsyncIterator[TurnModelPool]:
    pool = TurnModelPool(found, Metrics(), threads=1)
    await pool.load()
    yield pool
    await pool.close()


class Stream:
    """One stream's executor, and what it has been given."""

    def __init__(self, pool: TurnModelPool, found: ModelFiles, pcm: bytes) -> None:
        self.found: list[float] = []
        self.answers = asyncio.Event()
        self.executor = LoopExecutor(pool, asyncio.get_running_loop(), lambda error: self.answers.set())
        self.audio = PendingAudio(VoiceTrack(load_models(found).silero), lambda: 0.0)
        self.audio.pcm += pcm


async def test_windows_that_are_only_offered_go_with_those_of_another_stream(
    pool: TurnModelPool, found: ModelFiles, clip: BenchClip
) -> None:
    first, second = (Stream(pool, found, clip.pcm[at : at + 4 * WINDOW].tobytes()) for at in (8000, 24_000))
    expected = VoiceTrack(load_models(found).silero).advance(bytes(second.audio.pcm))
    second.executor.offer_vad(second.audio, second.found.extend)
    first.executor.run_vad(first.audio, first.found.extend)
    async with asyncio.timeout(60):
        await asyncio.gather(first.answers.wait(), second.answers.wait())
    assert len(first.found) == 4
    assert second.found == expected


async def test_a_closed_stream_is_neither_run_nor_told(pool: TurnModelPool, found: ModelFiles, clip: BenchClip) -> None:
    waiting, running, other = (Stream(pool, found, clip.pcm[: 4 * WINDOW].tobytes()) for _ in range(3))
    running.executor.run_vad(running.audio, running.found.extend)
    await asyncio.sleep(0)
    waiting.executor.run_vad(waiting.audio, waiting.found.extend)
    for stream in (waiting, running):
        stream.executor.close()
    other.executor.run_vad(other.audio, other.found.extend)
    async with asyncio.timeout(60):
        await other.answers.wait()
    assert len(other.found) == 4
    assert waiting.found == running.found == []
    assert waiting.audio.windows == 4
