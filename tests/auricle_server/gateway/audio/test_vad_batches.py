"""Streams share batches, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from auricle_server.gateway.audio.vad_batches import Outcome, VadBatches, VadRequest
from auricle_server.voice.models import ModelFiles, load_models
from auricle_server.voice.silero import ROWS, SLICE, WINDOW, PendingAudio, Silero, VoiceTrack


class Bench:
    """Batches on one thread, which notes how many pieces each task gets, and the outcomes by stream."""

    def __init__(self, silero: Silero) -> None:
        self.silero = silero
        self.tasks: list[list[int]] = []
        self.outcomes: dict[int, list[Outcome]] = {}
        self.batches = VadBatches(self._submit, 1)
        self._threads = ThreadPoolExecutor(1)
        self._news = asyncio.Event()

    def _submit(self, task: Callable[[], Any]) -> Future[Any]:
        self.tasks.append([len(pcm) // 2 // WINDOW for _, pcm in task.args[0]])  # type: ignore[attr-defined]
        return self._threads.submit(task)

    def request(self, stream: int, windows: int, track: VoiceTrack | None = None) -> VadRequest:
        audio = PendingAudio(track or VoiceTrack(self.silero), lambda: 0.0)
        audio.pcm += noise(stream, windows)
        self.outcomes.setdefault(stream, [])
        return VadRequest(stream, audio, partial(self._note, stream))

    def _note(self, stream: int, outcome: Outcome) -> None:
        self.outcomes[stream].append(outcome)
        self._news.set()

    async def until(self, outcomes: int) -> None:
        async with asyncio.timeout(60):
            while sum(map(len, self.outcomes.values())) < outcomes:
                self._news.clear()
                await self._news.wait()

    def close(self) -> None:
        self._threads.shutdown()


def noise(seed: int, windows: int) -> bytes:
    return np.random.default_rng(seed).normal(0, 3000, windows * WINDOW).astype("<i2").tobytes()


@pytest.fixture
async def bench(found: ModelFiles) -> AsyncIterator[Bench]:
    bench = Bench(load_models(found).silero)
    yield bench
    bench.close()


async def test_who_asks_together_shares_a_batch_and_gets_what_it_gets_alone(bench: Bench) -> None:
    for stream in range(ROWS + 2):
        bench.batches.ask(bench.request(stream, 1 + stream % 3))
    assert bench.tasks == []  # until the loop's turn is over
    await bench.until(ROWS + 2)
    assert bench.tasks == [[1 + stream % 3 for stream in range(ROWS)], [1 + stream % 3 for stream in (ROWS, ROWS + 1)]]
    for stream, outcomes in bench.outcomes.items():
        assert outcomes == [VoiceTrack(bench.silero).advance(noise(stream, 1 + stream % 3))]


async def test_offered_windows_fill_the_steps_that_run_anyway(bench: Bench) -> None:
    offered = [bench.request(10 + number, 4) for number in range(ROWS)]
    for request in offered:
        bench.batches.offer(request)
    await asyncio.sleep(0.05)
    assert bench.tasks == []
    bench.batches.ask(bench.request(1, 3))
    await bench.until(ROWS)
    assert bench.tasks == [[3] * ROWS]
    assert [request.audio.windows for request in offered] == [1] * (ROWS - 1) + [4]
    assert bench.outcomes[10 + ROWS - 1] == []


async def test_a_task_is_never_longer_than_a_slice(bench: Bench) -> None:
    bench.batches.offer(bench.request(2, 9))
    long = bench.request(1, 3 * SLICE)
    bench.batches.ask(long)
    await bench.until(1)
    for stream in (3, 4, 5):
        bench.batches.ask(bench.request(stream, SLICE))
    await bench.until(4)
    assert bench.tasks[0] == [SLICE]
    assert long.audio.windows == 2 * SLICE
    assert all(sum(task) <= SLICE for task in bench.tasks)


async def test_a_stream_whose_windows_fail_fails_alone(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    broken = VoiceTrack(bench.silero)
    broken._state = "broken"  # type: ignore[assignment]
    bench.batches.ask(bench.request(1, 2, broken))
    bench.batches.ask(bench.request(2, 2))
    await bench.until(2)
    assert bench.tasks == [[2, 2]]
    assert isinstance(bench.outcomes[1][0], Exception)
    assert bench.outcomes[2] == [VoiceTrack(bench.silero).advance(noise(2, 2))]
    assert "2 streams together" in caplog.text


async def test_a_stream_that_has_ended_is_not_run(bench: Bench) -> None:
    bench.batches.ask(bench.request(1, 1))
    bench.batches.offer(bench.request(2, 1))
    bench.batches.ask(bench.request(3, 1))
    bench.batches.withdraw(1)
    bench.batches.withdraw(2)
    await bench.until(1)
    assert bench.tasks == [[1]]
    assert {stream: len(outcomes) for stream, outcomes in bench.outcomes.items()} == {1: 0, 2: 0, 3: 1}
