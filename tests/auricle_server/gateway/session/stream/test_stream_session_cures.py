"""A stream session whose model has cures that need voice detection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import Final, Interim, ServerEvent
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle_server.bench.clips import load_clips
from auricle_server.cures import Cures
from auricle_server.gateway.audio import audio_turn_signals
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.session.stream_session import OFFLINE_BACKLOG, WATCHED_BACKLOG, StreamSession
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import DecodeAgain, FlushStream
from auricle_server.telemetry.metrics import Metrics
from auricle_server.voice.models import find_models
from tests.auricle_server.gateway.leases import INFO, ONE, STREAM, TWO, TestLease
from tests.auricle_server.gateway.session.stream.test_stream_session import opened

CHUNK = 2560
WATCH = Cures(watch_seconds=1, voice=True)
HOLD_BACK = Cures(hold_back_confidence=0.5, hold_back_voice=0.3, voice=True)


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TurnModelPool]:
    found = find_models()
    if not found.signals:
        pytest.skip(found.missing)
    monkeypatch.setattr(audio_turn_signals, "LATE_SECONDS", 60.0)  # how busy this machine is must not decide
    pool = TurnModelPool(found, Metrics())
    await pool.load()
    yield pool
    await pool.close()


class Stream:
    """A session that is fed audio, and results without words unless some are given."""

    def __init__(self, cures: Cures, pool: TurnModelPool | None, mode: TurnMode = "silence") -> None:
        self.lease = TestLease(replace(INFO, cures=cures))
        self.events: list[ServerEvent] = []
        self._news = asyncio.Event()
        self.session: StreamSession
        self.session, _ = opened(self.lease, pool, self._collect, turn=TurnSettings(mode=mode))
        self.at = 0

    def _collect(self) -> None:
        self._news.set()
        self.events += self.session.collect() or []

    async def hear(self, pcm: bytes, *tokens: int, confidence: float = 0.9) -> None:
        """One chunk after the other; the tokens come with the last one."""
        for begin in range(0, len(pcm), 2 * CHUNK):
            self.session.receive_audio(pcm[begin : begin + 2 * CHUNK])
            self.at += len(pcm[begin : begin + 2 * CHUNK]) // 2
            found = tokens if begin + 2 * CHUNK >= len(pcm) else ()
            frames, sure = ((self.at - 1) // 1280,) * len(found), (confidence,) * len(found)
            self.events += self.session.on_worker(ChunkResult(STREAM, self.at, found, frames, sure, sure))
            async with asyncio.timeout(60):
                while self.session.audio_time < self.at / 16_000:
                    self._news.clear()
                    await self._news.wait()

    def asked(self) -> list[int]:
        return [item.since for item in self.lease.sent()[1] if isinstance(item, DecodeAgain)]

    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Interim | Final)]


def speech() -> bytes:
    return load_clips()[0].pcm.tobytes()[: 2 * CHUNK * 25]


@pytest.mark.parametrize("mode", ["silence", "semantic", "off"])
async def test_speech_without_a_word_is_decoded_again_in_every_turn_mode(pool: TurnModelPool, mode: TurnMode) -> None:
    stream = Stream(WATCH, pool, mode)
    await stream.hear(bytes(2 * CHUNK * 10))
    assert stream.asked() == []
    await stream.hear(speech())
    [since, *_] = stream.asked()
    assert 0 <= since <= 14 * CHUNK
    assert pool.metrics.speech_without_words._value.get() >= 1


async def test_speech_with_words_is_left_alone(pool: TurnModelPool) -> None:
    stream = Stream(WATCH, pool)
    for begin in range(0, len(speech()), 8 * CHUNK):
        await stream.hear(speech()[begin : begin + 8 * CHUNK], ONE)
    assert stream.asked() == []


async def test_a_word_without_voice_and_confidence_reaches_no_event(pool: TurnModelPool) -> None:
    stream = Stream(HOLD_BACK, pool)
    await stream.hear(bytes(2 * CHUNK * 8), ONE, confidence=0.1)
    await stream.hear(bytes(2 * CHUNK * 4))
    assert stream.events == []
    await stream.hear(bytes(2 * CHUNK), TWO, confidence=0.9)
    await stream.hear(bytes(2 * CHUNK * 4))
    assert set(stream.texts()) == {"two"}
    assert pool.metrics.words_held_back._value.get() == 1


async def test_a_finalize_decides_a_word_that_is_held_back(pool: TurnModelPool) -> None:
    stream = Stream(HOLD_BACK, pool)
    await stream.hear(bytes(2 * CHUNK * 8), ONE, confidence=0.9)
    stream.session.finalize("a")
    assert stream.lease.sent()[1] == [FlushStream(STREAM, 1)]
    [final] = [
        event for event in stream.session.on_worker(ChunkResult(STREAM, stream.at, mark=1)) if isinstance(event, Final)
    ]
    assert (final.text, final.finalize_id) == ("one", "a")


async def test_a_change_of_turn_mode_keeps_the_voice_and_adds_the_judge(pool: TurnModelPool) -> None:
    stream = Stream(WATCH, pool)
    first = stream.session._signals
    assert first is not None
    assert not first.judges
    stream.session.update(Update(turn=TurnSettings(mode="off")))
    assert stream.session._signals is first
    stream.session.update(Update(turn=TurnSettings(mode="semantic")))
    second = stream.session._signals
    assert second is not None
    assert second.judges
    stream.session.update(Update(turn=TurnSettings(mode="silence")))
    assert stream.session._signals is not None


async def test_without_voice_in_every_mode_the_semantic_mode_brings_it(pool: TurnModelPool) -> None:
    stream = Stream(replace(WATCH, voice=False), pool)
    assert stream.session._signals is None
    await stream.hear(speech())
    assert stream.asked() == []
    stream.session.update(Update(turn=TurnSettings(mode="semantic")))
    await stream.hear(bytes(2 * CHUNK * 10))
    await stream.hear(speech())
    assert stream.asked()


async def test_other_cures_and_servers_without_voice_detection_analyse_nothing(pool: TurnModelPool) -> None:
    assert Stream(Cures(warm_up_seconds=1, refresh_seconds=20, voice=True), pool).session._signals is None
    stream = Stream(HOLD_BACK, None)
    assert stream.session._signals is None
    await stream.hear(bytes(2 * CHUNK * 8), ONE, confidence=0.1)
    assert stream.texts() == ["one"]


async def test_the_engine_is_never_far_ahead_of_a_watch(pool: TurnModelPool) -> None:
    watched, _ = opened(TestLease(replace(INFO, cures=WATCH)), pool)
    watched.receive_audio(bytes(2 * round(16_000 * WATCHED_BACKLOG)))
    assert not watched.accepts_input
    unwatched, _ = opened(TestLease(replace(INFO, cures=replace(WATCH, voice=False))), pool)
    unwatched.receive_audio(bytes(2 * round(16_000 * WATCHED_BACKLOG)))
    assert unwatched.accepts_input
    file, _ = opened(TestLease(replace(INFO, cures=WATCH)), pool, offline=True)
    file.receive_audio(bytes(2 * round(16_000 * (OFFLINE_BACKLOG - 1))))
    assert file.accepts_input


def test_the_worker_is_asked_for_a_watched_stream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    session, lease = opened(TestLease(replace(INFO, cures=WATCH)))
    monkeypatch.setattr(session._state, "decode_again", iter([None, 800]).__next__)
    session.on_worker(ChunkResult(STREAM, CHUNK))
    assert lease.sent()[1] == []
    session.on_worker(ChunkResult(STREAM, 2 * CHUNK))
    assert lease.sent()[1] == [DecodeAgain(STREAM, 800)]


def test_speech_is_what_voice_detection_hears() -> None:
    """The clip that the tests above rest on is loud enough to be speech."""
    assert float(np.abs(np.frombuffer(speech(), np.int16)).max()) > 3000
