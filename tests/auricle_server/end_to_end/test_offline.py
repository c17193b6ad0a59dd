"""Files through a real server: what they hear, what they may ask for, and that live streams do not wait for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

import auricle
from auricle.errors import ServerFull
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final
from auricle.protocol.settings import InvalidMessage
from auricle.reconnect import ReconnectPolicy
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.ipc.messages import (
    CloseStream,
    OpenStream,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    UpdateStream,
)
from auricle_server.serving.in_process_server import serve_locally
from auricle_server.worker import stream_admin
from tests.support import tones
from tests.support.engine.calls import Call, Exchange


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve_locally(ServerConfig(model=str(tones.CHECKPOINT), max_load=0)) as url:
        yield url


async def finals(url: str, start: Start, audio: tones.Pcm, attempts: int = 10) -> list[Final]:
    """All finals of a stream that sends as fast as the server reads."""
    found = []
    async with auricle.connect(url, start=start, reconnect=ReconnectPolicy(attempts)) as stream:

        async def speak() -> None:
            for at in range(0, len(audio), 16_000):
                await stream.send(audio[at : at + 16_000].astype("<i2").tobytes())
            await stream.end()

        speaking = asyncio.create_task(speak())
        async for event in stream:
            found += [event] if isinstance(event, Final) and event.text else []
        await speaking
    return found


def talk(count: int) -> tuple[tones.Pcm, str]:
    parts = [tones.utterance(seed, 5, trailing=0.9) for seed in range(count)]
    return np.concatenate([audio for audio, _ in parts]), " ".join(text for _, text in parts)


async def test_a_file_has_the_finals_that_a_live_stream_of_the_largest_latency_has(url: str) -> None:
    audio, text = talk(12)
    live = await finals(url, Start(latency_ms=1120), audio)
    offline = await finals(url, Start(offline=True), audio)
    assert [(f.text, f.start, f.end, f.words) for f in offline] == [(f.text, f.start, f.end, f.words) for f in live]
    assert " ".join(final.text for final in offline) == text
    assert len(offline) > 5


async def test_its_latency_is_the_models_largest(url: str) -> None:
    async with auricle.connect(url, start=Start(offline=True)) as stream:
        assert stream.ready.latency_ms == 1120
        await stream.update(latency_ms=80)
        async for event in stream:
            if isinstance(event, auricle.Error):
                assert (event.code, event.fatal) == ("unsupported_latency", False)
                break
    with pytest.raises(InvalidMessage, match="latency_ms"):
        Start(offline=True, latency_ms=160)


async def test_a_live_stream_is_answered_while_files_are_decoded(url: str) -> None:
    audio, _ = talk(10)
    files = [asyncio.create_task(finals(url, Start(offline=True), np.tile(audio, 6))) for _ in range(3)]
    await asyncio.sleep(0.5)
    waits = []
    async with auricle.connect(url, start=Start(latency_ms=80)) as stream:
        for number in range(8):
            await stream.send(audio[number * 8_000 : (number + 1) * 8_000].astype("<i2").tobytes())
            began = time.perf_counter()
            await stream.finalize(str(number))
            async for event in stream:
                if isinstance(event, Final) and event.finalize_id == str(number):
                    break
            waits.append(time.perf_counter() - began)
    assert not any(file.done() for file in files), "the files were over before anybody could wait for them"
    assert sorted(waits)[len(waits) // 2] < 1.0  # the files by themselves take many times as long
    texts = [" ".join(final.text for final in await file) for file in files]
    assert texts[0] == texts[1] == texts[2]


def test_as_many_at_once_as_the_worker_takes_and_no_time_is_planned_for_them(
    tones_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_admin, "MOST_OFFLINE", 2)
    exchange = Exchange(tones_engine)
    calls = [Call(exchange, number, Start(offline=True)) for number in range(2)]
    exchange.tick()
    told: list[object] = []
    admin = exchange.worker._admin
    with monkeypatch.context() as patch:
        patch.setattr(admin._messages, "add", lambda _, item: told.append(item))
        admin.apply((b"gateway", 9), OpenStream(9, 80, "en-US"))
        admin.apply((b"gateway", 9), UpdateStream(9, SettingsUpdate(offline=True), starting=True))
    assert isinstance(told[-1], StreamFailure)
    assert told[-1].code == "server_full"
    assert exchange.worker._admission.load == 0
    for call in calls:
        call.finish()
    again = Call(exchange, 10, Start(offline=True))
    again.finish()
    assert again.over


def test_files_leave_every_second_slot_to_live_streams(tones_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange(tones_engine)
    told: list[object] = []
    admin = exchange.worker._admin
    monkeypatch.setattr(admin._messages, "add", lambda _, item: told.append(item))
    for number in range(tones_engine.info.slots):
        admin.apply((b"gateway", number), OpenStream(number, 80, "en-US"))
        admin.apply((b"gateway", number), UpdateStream(number, SettingsUpdate(offline=True), starting=True))
    assert [item.stream for item in told if isinstance(item, StreamFailure)] == [2, 3]
    for number in (5, 6):
        admin.apply((b"gateway", number), OpenStream(number, 80, "en-US"))
    assert [item.stream for item in told if isinstance(item, StreamOpened)][-2:] == [5, 6]
    for number in (0, 1, 5, 6):
        admin.apply((b"gateway", number), CloseStream(number))
    assert (tones_engine.slots_used, exchange.worker._admission.load) == (0, 0)


async def test_a_client_that_leaves_in_the_middle_of_a_file_frees_its_place(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_admin, "MOST_OFFLINE", 1)
    audio, text = talk(4)
    async with auricle.connect(url, start=Start(offline=True)) as stream:
        for _ in range(20):
            await stream.send(audio.astype("<i2").tobytes())
        await anext(event async for event in stream if isinstance(event, Final))
        with pytest.raises(ServerFull, match="as many files"):
            await finals(url, Start(offline=True), audio, attempts=0)
    assert " ".join(final.text for final in await finals(url, Start(offline=True), audio)) == text


@pytest.fixture(scope="module")
def tones_engine() -> Engine:
    from auricle_server.checkpoints import load_checkpoint

    return Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=4, device="cpu", threads=1)
