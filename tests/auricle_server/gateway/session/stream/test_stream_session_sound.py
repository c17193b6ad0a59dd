"""A stream session with the turn models: results wait for what the audio says, and are never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import Error, Final, Interim, ServerEvent, SpeechStarted, TurnEnd
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.gateway.audio import audio_turn_signals
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    StreamFailure,
)
from auricle_server.telemetry.metrics import Metrics
from auricle_server.turns import VoiceSignals
from auricle_server.voice.models import ModelFiles, find_models, load_models
from tests.auricle_server.gateway.leases import ONE, STREAM, result
from tests.auricle_server.gateway.session.stream.test_stream_session import kinds, opened

CHUNK = 2560


@pytest.fixture(scope="module")
def found() -> ModelFiles:
    found = find_models()
    if not found.signals:
        pytest.skip(found.missing)
    load_models(found)
    return found


@pytest.fixture
async def pool(found: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TurnModelPool]:
    monkeypatch.setattr(audio_turn_signals, "LATE_SECONDS", 60.0)  # how busy this machine is must not decide
    pool = TurnModelPool(found, Metrics())
    yield pool
    await pool.close()


@pytest.fixture(scope="module")
def clip() -> BenchClip:
    return load_clips()[0]


class Applied:
    """A stream session, and what its state is given: positions and what the sound says there."""

    def __init__(self, mode: TurnMode, pool: TurnModelPool | None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: list[tuple[int, VoiceSignals | None]] = []
        self._news = asyncio.Event()
        self.session, _ = opened(pool=pool, on_signals=self._collect, turn=TurnSettings(mode=mode))
        monkeypatch.setattr(self.session._state, "on_result", self._note)

    def _note(self, item: ChunkResult, voice: VoiceSignals | None) -> list[ServerEvent]:
        self.given.append((item.samples, voice))
        self._news.set()
        return []

    def _collect(self) -> None:
        self.session.collect()

    def chunk(self, samples: int) -> None:
        self.session.on_worker(ChunkResult(STREAM, samples))

    def follow(self, mode: TurnMode) -> None:
        self.session.update(Update(turn=TurnSettings(mode=mode)))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.given) < count:
                self._news.clear()
                await self._news.wait()


async def test_the_sound_is_analysed_in_semantic_mode_only(
    pool: TurnModelPool, clip: BenchClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied, half = Applied("silence", pool, monkeypatch), len(clip.pcm) // 2 // CHUNK * CHUNK
    session = applied.session
    session.receive_audio(clip.pcm[:half].tobytes())
    applied.chunk(half - CHUNK)
    applied.follow("semantic")
    applied.chunk(half)
    session.receive_audio(clip.pcm[half : half + 2 * CHUNK].tobytes())
    applied.chunk(half + CHUNK)
    await applied.until(3)
    applied.follow("off")
    applied.chunk(half + 2 * CHUNK)
    assert [position for position, _ in applied.given] == [half - CHUNK, half, half + CHUNK, half + 2 * CHUNK]
    assert [voice is not None for _, voice in applied.given] == [False, False, True, False]


async def test_results_that_wait_go_on_when_the_mode_changes(
    pool: TurnModelPool, clip: BenchClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = Applied("semantic", pool, monkeypatch)
    applied.session.receive_audio(clip.pcm[:CHUNK].tobytes())
    applied.chunk(CHUNK)  # the models' answers need a turn of the event loop
    assert applied.given == []
    applied.follow("silence")
    assert applied.given == [(CHUNK, None)]


async def test_results_that_wait_are_dropped_with_the_stream(
    pool: TurnModelPool, clip: BenchClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = Applied("semantic", pool, monkeypatch)
    applied.session.receive_audio(clip.pcm[:CHUNK].tobytes())
    applied.chunk(CHUNK)
    applied.session.close()
    assert applied.session.collect() is None
    assert applied.given == []


async def test_a_failure_of_the_worker_comes_after_the_results_that_wait(pool: TurnModelPool) -> None:
    session, _ = opened(pool=pool, turn=TurnSettings(mode="semantic"))
    session.receive_audio(np.zeros(CHUNK, "<i2").tobytes())
    assert session.on_worker(result(0.16, ONE)) == []
    events = session.on_worker(StreamFailure(STREAM, codes.WORKER_LOST, "it has gone"))
    assert kinds(events) == [SpeechStarted, Interim, Error]


async def test_who_asked_for_a_final_gets_it_with_all_that_waits(pool: TurnModelPool) -> None:
    session, _ = opened(pool=pool, turn=TurnSettings(mode="semantic"))
    session.receive_audio(np.zeros(CHUNK, "<i2").tobytes())
    assert session.on_worker(result(0.16, ONE)) == []
    session.finalize("now")
    events = session.on_worker(result(0.16, mark=1))
    assert kinds(events) == [SpeechStarted, Interim, Final]
    assert TurnEnd not in kinds(events)


async def test_without_models_results_go_straight_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for pool in (None, TurnModelPool(ModelFiles(), Metrics())):
        applied = Applied("semantic", pool, monkeypatch)
        assert applied.session.ready(None).turn_signals == ("words", "punctuation")
        applied.session.receive_audio(bytes(CHUNK))
        applied.chunk(CHUNK)
        assert applied.given == [(CHUNK, None)]


async def test_a_word_makes_the_results_before_it_urgent(pool: TurnModelPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results without a word, while no turn is open, wait until the models run for somebody."""
    monkeypatch.setattr(audio_turn_signals, "UNHURRIED_SECONDS", 60.0)
    woken = asyncio.Event()
    session, _ = opened(pool=pool, on_signals=woken.set, turn=TurnSettings(mode="semantic"))
    session.receive_audio(np.zeros(2 * CHUNK, "<i2").tobytes())
    assert session.on_worker(result(0.16)) == []
    await asyncio.sleep(0.2)
    assert not woken.is_set()
    assert session.on_worker(result(0.32, ONE)) == []
    async with asyncio.timeout(60):
        await woken.wait()
    assert kinds(session.collect() or []) == [SpeechStarted, Interim]
