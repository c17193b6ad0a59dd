"""What an `STT` offers, its HTTP sessions, and whole recordings."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from livekit.agents.utils import http_context
from livekit.plugins import auricle

from livekit.plugins.auricle.models import SESSION_FLUSHES
from tests.support.adapters.livekit_session import frames
from tests.support.adapters.livekit_stream import FINAL, collect, transcribe
from tests.support.levels import audio, level_server
from tests.support.servers.forward_proxy import ForwardProxy


async def test_recognize_gives_one_final_with_words() -> None:
    metrics: list[Any] = []
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server")
        stt.on("metrics_collected", metrics.append)
        event = await stt.recognize(frames(audio(0.3, "hello there", 0.9, "good bye", 0.2)), language="de-DE")
        silent = await stt.recognize(frames(audio(0.3, rate=24_000)))
    data = event.alternatives[0]
    assert (event.type, data.text) == (FINAL, "hello there good bye")
    assert data.words is not None
    assert [str(word) for word in data.words] == ["hello", "there", "good", "bye"]
    assert [data.start_time, data.end_time] == pytest.approx([0.3, 2.0])
    assert silent.alternatives[0].text == ""
    assert [(start.turn.mode, start.sample_rate) for start in server.starts] == [("off", 16_000), ("off", 24_000)]
    assert [each.audio_duration for each in metrics] == [pytest.approx(2.2), pytest.approx(0.3)]


async def test_the_api_key_is_a_bearer_token() -> None:
    async with level_server() as server:
        await transcribe(auricle.STT(url=server.url, api_key="secret"), audio(0.1))
    assert server.headers[0]["Authorization"] == "Bearer secret"


async def test_address_and_key_come_from_the_environment_or_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_API_KEY", "secret")
    async with level_server(key="secret") as server:
        monkeypatch.setenv("AURICLE_URL", server.url)
        for stt in (auricle.STT(), auricle.STT(base_url=server.url), auricle.STT(url=server.url, api_key="secret")):
            await transcribe(stt, audio(0.1))
        with pytest.raises(ValueError, match="base_url: another name of url"):
            auricle.STT(url=server.url, base_url=server.url)
        monkeypatch.setenv("AURICLE_URL", f" {server.url}")
        with pytest.raises(ValueError, match="AURICLE_URL: the address has blanks"):
            auricle.STT()
    assert len(server.sessions) == 3


async def test_streams_recordings_and_prewarming_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with level_server() as server, ForwardProxy().running() as proxy, aiohttp.ClientSession() as session:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        await transcribe(auricle.STT(url=server.url), audio(0.1))
        assert proxy.requests == []
        stt = auricle.STT(url=server.url, trust_env=True, http_session=session)
        stt.prewarm()
        assert stt._service._prewarming is not None
        await stt._service._prewarming
        await transcribe(stt, audio(0.1))
    assert {line.split()[1].rpartition("/")[2] for line in proxy.requests} <= {"healthz", "readyz", "stream"}
    assert len(server.sessions) == 2


async def test_a_given_http_session_is_used_and_left_open() -> None:
    async with level_server() as server, aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
        stt = auricle.STT(url=server.url, http_session=session)
        await transcribe(stt, audio(0.1))
        await stt.aclose()
        assert not session.closed
    assert server.headers[0]["X-Mine"] == "yes"


async def test_in_a_job_its_http_session_is_used_and_prewarming_connects_it() -> None:
    async with level_server() as server, http_context.open():
        stt = auricle.STT(url=server.url)
        stt.prewarm()
        assert stt._service._prewarming is not None
        await stt._service._prewarming
        await transcribe(stt, audio(0.1))
        await stt.aclose()
    warmed, streamed = server.peers
    assert warmed == streamed


async def test_prewarming_knows_the_model_before_the_first_stream() -> None:
    async with level_server() as server, aiohttp.ClientSession() as session:
        for urls in (server.url, ["ws://127.0.0.1:1", server.url]):
            stt = auricle.STT(url=urls, http_session=session)
            assert stt.model == "auricle"
            stt.prewarm()
            assert stt._service._prewarming is not None
            await stt._service._prewarming
            assert stt.model == "scripted"
    assert server.sessions == []


async def test_prewarming_a_real_server_knows_its_model_without_the_key(tones_server: str) -> None:
    async with aiohttp.ClientSession() as session:
        stt = auricle.STT(url=f"{tones_server}/v1/stream", http_session=session)
        stt.prewarm()
        assert stt._service._prewarming is not None
        await stt._service._prewarming
        known = stt.model
        await transcribe(stt, audio(0.1))
        assert known == stt.model == "tones_en.nemo"


def test_prewarming_without_an_event_loop_does_nothing() -> None:
    auricle.STT().prewarm()


async def test_prewarming_outside_a_job_does_nothing() -> None:
    tasks = asyncio.all_tasks()
    auricle.STT(url="ws://127.0.0.1:1").prewarm()
    assert asyncio.all_tasks() == tasks


async def test_what_it_says_of_itself() -> None:
    stt = auricle.STT()
    assert (stt.model, stt.provider) == ("auricle", "Auricle")
    capabilities = stt.capabilities
    assert (capabilities.streaming, capabilities.interim_results) == (True, True)
    assert getattr(capabilities, "manual_flush", False) is SESSION_FLUSHES
    assert (capabilities.aligned_transcript, capabilities.offline_recognize) == ("word", True)
    assert (capabilities.keyterms, capabilities.chat_context, capabilities.diarization) == (True, True, False)
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        await transcribe(stt, audio(0.1))
    assert stt.model == "scripted"


async def test_the_language_of_one_stream_can_differ() -> None:
    async with (
        level_server() as server,
        auricle.STT(url=server.url, language="en-US").stream(language="de-DE") as stream,
    ):
        stream.end_input()
        await collect(stream)
    assert server.starts[0].language == "de-DE"
