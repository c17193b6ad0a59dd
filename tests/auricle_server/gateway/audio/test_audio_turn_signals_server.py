"""Turn signals from audio, through a server: the events of its streams, and what is left when they end."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim, ServerEvent, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.http import app
from auricle_server.serving.in_process_server import serve_locally
from auricle_server.voice import models
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import ModelsMissing, TurnModels
from tests.auricle_server.gateway.audio.test_audio_turn_signals import counted
from tests.auricle_server.raw_client import until

SEMANTIC = TurnSettings(mode="semantic")
pytestmark = pytest.mark.usefixtures("found", "unhurried")


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
    await until(lambda: not threads())  # they end when they have done what they were at
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is AudioAnalyzer]


def threads() -> list[threading.Thread]:
    """Those that judge turns."""
    return [each for each in threading.enumerate() if each.name.startswith(("auricle-voice", "auricle-turns"))]


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
