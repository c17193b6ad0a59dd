"""Results and the sound join on the audio's clock; no result waits for ever, and a closed stream leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from auricle_server.bench.clips import BenchClip
from auricle_server.gateway.audio import audio_turn_signals as module
from auricle_server.gateway.audio.audio_turn_signals import AudioTurnSignals
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.ipc.columns import ChunkResult
from auricle_server.telemetry.metrics import Metrics
from auricle_server.turns import VoiceSignals
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import ModelFiles, load_models

CHUNK = 2560
_T = TypeVar("_T")
pytestmark = pytest.mark.usefixtures("found", "unhurried")


@pytest.fixture
async def pool(found: ModelFiles) -> AsyncIterator[TurnModelPool]:
    pool = TurnModelPool(found, Metrics())
    yield pool
    await pool.close()


@dataclass
class Listener:
    """Stands for the stream state: records what it gets, and ends turns at the given positions."""

    ends: set[int] = field(default_factory=set)
    given: list[tuple[int, VoiceSignals | None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, result: ChunkResult, voice: VoiceSignals | None) -> int:
        self.given.append((result.samples, voice))
        self.news.set()
        return max((end for end in self.ends if end <= result.samples), default=0)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.given) < count:
                self.news.clear()
                await self.news.wait()


class Turns:
    """Collects results as a stream session does, and hands them to the listener."""

    def __init__(self, pool: TurnModelPool, listener: Listener) -> None:
        self.listener = listener
        self.signals = AudioTurnSignals(pool, 0, 0, self.collect)

    def receive_audio(self, pcm: bytes) -> None:
        self.signals.receive_audio(pcm)

    def add(self, result: ChunkResult, *, wait: bool = True, urgent: bool = True) -> None:
        self.signals.add(result, urgent=urgent)
        self.collect(wait=wait)

    def collect(self, *, wait: bool = True) -> None:
        while (ready := self.signals.pop_ready(wait=wait)) is not None:
            self.signals.end_turn(self.listener.deliver(*ready))


def expected(found: ModelFiles, pcm: bytes, ends: set[int]) -> list[tuple[int, VoiceSignals | None]]:
    analyzer, voices = AudioAnalyzer(load_models(found)), list[tuple[int, VoiceSignals | None]]()
    analyzer.receive_audio(pcm)
    for position in range(CHUNK, len(pcm) // 2 + 1, CHUNK):
        voices.append((position, analyzer.voice_at(position)))
        if position in ends:
            analyzer.end_turn(position)
    return voices


@pytest.mark.parametrize("seed", range(3))
async def test_every_result_gets_what_the_sound_says_at_its_position(
    pool: TurnModelPool, found: ModelFiles, clip: BenchClip, seed: int
) -> None:
    rng, pcm, heard, results = random.Random(seed), clip.pcm.tobytes() + bytes(32_000), 0, 0
    listener = Listener({round((clip.speech_end + 0.5) * 16000) // CHUNK * CHUNK})
    turns = Turns(pool, listener)
    while heard < len(pcm) or results < len(pcm) // 2 // CHUNK:
        piece = pcm[heard : heard + (2 * rng.randrange(1, 10_000) if seed else len(pcm))]
        heard += len(piece)
        turns.receive_audio(piece)
        while (results + 1) * CHUNK * 2 <= heard and (rng.random() < 0.7 or heard == len(pcm)):
            results += 1
            turns.add(ChunkResult(1, results * CHUNK))
        await asyncio.sleep(0)
    await listener.until(results)
    assert listener.given == expected(found, pcm, listener.ends)
    assert any(voice is not None and voice.complete is not None for _, voice in listener.given)


async def test_a_result_that_decides_nothing_waits_for_another_stream_or_an_urgent_one(
    pool: TurnModelPool, found: ModelFiles, clip: BenchClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It then gets the same as if the models had run for it alone."""
    monkeypatch.setattr(module, "UNHURRIED_SECONDS", 60.0)
    listener, pcm = Listener(), clip.pcm[: 3 * CHUNK].tobytes()
    turns, other = Turns(pool, listener), Turns(pool, Listener())
    turns.receive_audio(pcm[: 4 * CHUNK])
    turns.add(ChunkResult(1, CHUNK), urgent=False)
    turns.add(ChunkResult(1, 2 * CHUNK), urgent=False)
    await asyncio.sleep(0.2)
    assert listener.given == []
    other.receive_audio(pcm[: 2 * CHUNK])
    other.add(ChunkResult(2, CHUNK))
    await listener.until(1)
    turns.receive_audio(pcm[4 * CHUNK :])
    turns.add(ChunkResult(1, 3 * CHUNK))
    await listener.until(3)
    assert listener.given == expected(found, pcm, set())


async def test_a_result_that_decides_nothing_does_not_wait_for_ever(
    pool: TurnModelPool, found: ModelFiles, clip: BenchClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNHURRIED_SECONDS", 0.05)
    listener, pcm = Listener(), clip.pcm[:CHUNK].tobytes()
    turns = Turns(pool, listener)
    turns.receive_audio(pcm)
    turns.add(ChunkResult(1, CHUNK), urgent=False)
    assert listener.given == []
    await listener.until(1)
    assert listener.given == expected(found, pcm, set())


class Held(TurnModelPool):
    """Keeps every task until it is let go."""

    def __init__(self, found: ModelFiles, metrics: Metrics) -> None:
        super().__init__(found, metrics, threads=1)
        self.go = threading.Event()

    def run_vad(self, task: Callable[[], _T]) -> Any:
        return super().run_vad(lambda: self._after(task))

    def run_end_of_turn(self, task: Callable[[], _T]) -> Any:
        return super().run_end_of_turn(lambda: self._after(task))

    def _after(self, task: Callable[[], _T]) -> _T:
        assert self.go.wait(60)
        return task()


@pytest.fixture
async def held(found: ModelFiles) -> AsyncIterator[Held]:
    pool = Held(found, Metrics())
    yield pool
    pool.go.set()
    await pool.close()


def counted(pool: TurnModelPool, name: str) -> float:
    return pool.metrics.registry.get_sample_value(name) or 0.0


async def test_results_wait_in_order_until_the_evidence_is_there(
    held: Held, found: ModelFiles, clip: BenchClip
) -> None:
    listener = Listener()
    turns, pcm = Turns(held, listener), clip.pcm.tobytes()
    turns.receive_audio(pcm)
    count = len(pcm) // 2 // CHUNK
    for number in range(1, count + 1):
        turns.add(ChunkResult(1, number * CHUNK))
    assert listener.given == []
    held.go.set()
    await listener.until(count)
    assert listener.given == expected(found, pcm, set())
    judgements = counted(held, "auricle_turn_judgements_total")
    assert judgements >= len({voice.judged for _, voice in listener.given if voice}) - 1 > 0
    assert counted(held, "auricle_turn_judgement_seconds_count") == judgements
    assert counted(held, "auricle_turn_judgements_late_total") == 0


async def test_who_asked_for_a_final_waits_for_nothing(held: Held, clip: BenchClip) -> None:
    listener = Listener()
    turns = Turns(held, listener)
    turns.receive_audio(clip.pcm[: 3 * CHUNK].tobytes())
    for number in (1, 2):
        turns.add(ChunkResult(1, number * CHUNK))
    assert listener.given == []
    turns.add(ChunkResult(1, 3 * CHUNK, mark=1), wait=False)
    assert [position for position, _ in listener.given] == [CHUNK, 2 * CHUNK, 3 * CHUNK]


async def test_what_is_late_is_gone_on_without(held: Held, clip: BenchClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 1.0)
    listener = Listener()
    turns = Turns(held, listener)
    turns.receive_audio(clip.pcm[:CHUNK].tobytes())
    turns.add(ChunkResult(1, CHUNK))
    assert listener.given == []
    await listener.until(1)
    assert listener.given == [(CHUNK, VoiceSignals(0.0))]
    assert counted(held, "auricle_turn_judgements_late_total") == 1


async def test_a_stream_that_is_over_leaves_nothing(held: Held, clip: BenchClip) -> None:
    listener = Listener()
    turns = Turns(held, listener)
    turns.receive_audio(clip.pcm.tobytes())
    turns.add(ChunkResult(1, CHUNK))
    turns.signals.close()
    held.go.set()
    await held.close()
    await asyncio.sleep(0)
    assert listener.given == []
    assert counted(held, "auricle_turn_judgements_total") == 0
    del turns
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is AudioAnalyzer]


async def test_models_that_fail_leave_the_words(pool: TurnModelPool, caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    turns = Turns(pool, listener)
    assert turns.signals._analyzer is not None
    turns.signals._analyzer._track._state = "broken"  # type: ignore[assignment]
    turns.receive_audio(bytes(4 * CHUNK))
    turns.add(ChunkResult(1, CHUNK))
    await listener.until(1)
    assert listener.given == [(CHUNK, None)]
    turns.add(ChunkResult(1, 2 * CHUNK))
    assert listener.given[1:] == [(2 * CHUNK, None)]
    assert "has failed" in caplog.text
