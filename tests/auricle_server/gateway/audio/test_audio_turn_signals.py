"""Results and the sound join on the audio's clock; no result waits for ever, and a closed stream leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim, ServerEvent, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio import audio_turn_signals as module
from auricle_server.gateway.audio.audio_turn_signals import AudioTurnSignals, TurnModelPool
from auricle_server.gateway.http import app
from auricle_server.ipc.columns import ChunkResult
from auricle_server.metrics import Metrics
from auricle_server.serving.in_process_server import serve_locally
from auricle_server.turns import VoiceSignals
from auricle_server.voice import models
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import ModelFiles, ModelsMissing, TurnModels, find_models, load_models

CHUNK = 2560
SEMANTIC = TurnSettings(mode="semantic")
_T = TypeVar("_T")


@pytest.fixture(scope="module", autouse=True)
def found() -> ModelFiles:
    """Both models, loaded: their loading must not be what is late."""
    found = find_models()
    load_models(found)
    return found


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How busy this machine is must not decide; a test of lateness sets its own."""
    monkeypatch.setattr(module, "LATE_SECONDS", 60.0)


@pytest.fixture(scope="module")
def clip() -> BenchClip:
    return load_clips()[0]


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

    def add(self, result: ChunkResult, *, wait: bool = True) -> None:
        self.signals.add(result)
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


# --- through a server ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[str]:
    async with serve_locally(ServerConfig(max_load=0, default_latency_ms=160, **options)) as url:
        yield url


async def talk(url: str, pcm: bytes, piece: int, pause: float = 0.0) -> list[auricle.StreamEvent]:
    """The events of one stream in semantic mode, which gets `piece` bytes at a time."""
    async with auricle.connect(url, start=Start(turn=SEMANTIC)) as stream:
        for at in range(0, len(pcm), piece):
            await stream.send(pcm[at : at + piece])
            await asyncio.sleep(pause)
        await stream.end()
        return [event async for event in stream]


def lasting(events: list[auricle.StreamEvent]) -> list[auricle.StreamEvent]:
    """What every client gets: of interims that wait for a client that reads, only the last is sent."""
    return [
        replace(event, seq=0) for event in events if isinstance(event, ServerEvent) and not isinstance(event, Interim)
    ]


async def test_a_stream_has_the_same_events_at_once_and_as_it_is_spoken() -> None:
    spoken = load_clips()[2]
    pcm = spoken.pcm.tobytes() + bytes(32_000)
    async with serving() as url:
        at_once = lasting(await talk(url, pcm, len(pcm)))
        in_packets = lasting(await talk(url, pcm, 640, pause=0.005))
        together = await asyncio.gather(talk(url, pcm, 64_000), talk(url, load_clips()[0].pcm.tobytes(), 6_000))
    assert [type(event) for event in at_once].count(TurnEnd) >= 1
    assert in_packets == at_once
    assert lasting(together[0]) == at_once


@pytest.mark.parametrize(
    ("wanted", "signals"),
    [("auto", ("words", "punctuation", "voice", "prosody")), ("off", ("words", "punctuation"))],
)
async def test_a_server_says_what_it_judges_by_and_ends_turns_with_it(
    clip: BenchClip, wanted: TurnModels, signals: tuple[str, ...]
) -> None:
    async with serving(turn_models=wanted) as url:
        async with auricle.connect(url, start=Start(turn=SEMANTIC)) as stream:
            assert stream.ready.turn_signals == signals
        events = await talk(url, clip.pcm.tobytes() + bytes(64_000), 6_400)
    assert any(isinstance(event, TurnEnd) for event in events)


async def test_the_mode_may_change_in_band(clip: BenchClip, pool_of: Callable[[], TurnModelPool]) -> None:
    async with serving() as url, auricle.connect(url, start=Start(turn=TurnSettings(mode="off"))) as stream:
        await stream.send(clip.pcm.tobytes())
        await stream.finalize()
        while not isinstance(await anext(stream), Final):
            pass
        assert counted(pool_of(), "auricle_turn_judgements_total") == 0
        await stream.update(turn=SEMANTIC)
        await stream.send(clip.pcm.tobytes() + bytes(96_000))
        while not isinstance(event := await anext(stream), TurnEnd):
            pass
        assert event.audio_time * 16000 > len(clip.pcm)
        assert counted(pool_of(), "auricle_turn_judgements_total") > 0


@pytest.fixture
def pool_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[], TurnModelPool]:
    """The pool of the server that was started last."""
    pools = list[TurnModelPool]()

    class Noted(TurnModelPool):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            pools.append(self)

    monkeypatch.setattr(app, "TurnModelPool", Noted)
    return lambda: pools[-1]


async def test_a_connection_that_is_cut_leaves_no_analyzer_and_no_thread(
    clip: BenchClip, pool_of: Callable[[], TurnModelPool]
) -> None:
    async with serving(resume_seconds=0) as url:
        async with auricle.connect(url, start=Start(turn=SEMANTIC)) as stream:
            await stream.send(clip.pcm.tobytes() * 3)
            await anext(stream)
        assert pool_of().signals[-1] == "prosody"
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is AudioAnalyzer]
    assert not [each for each in threading.enumerate() if each.name.startswith(("auricle-voice", "auricle-turns"))]


async def test_a_server_that_requires_models_does_not_start_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(ModelsMissing, match=r"pip install '\.\[turns\]'"):
        async with serving(turn_models="require"):
            pass


def test_nor_does_one_of_processes() -> None:
    code = (
        "import sys\nfrom auricle_server.voice import models\nmodels.find_spec = lambda name: None\n"
        "from auricle_server.config import ServerConfig\nfrom auricle_server.serving.supervisor import serve\n"
        "sys.exit(serve(ServerConfig(port=0, turn_models='require')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert "onnxruntime is not installed; in a checkout of Auricle, run: pip install '.[turns]'" in done.stderr
    assert "Traceback" not in done.stderr
