"""Signals of a real server, and what becomes of them when a connection breaks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from auricle.protocol.client_messages import RESUME_HEADER
from tests.auricle_server.raw_client import connected_client, quiet
from tests.support import tones

TURN = {"mode": "silence", "silence_ms": 400}


async def test_a_stream_that_asks_for_them_has_one_for_each_chunk(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start(latency_ms=80, turn=TURN, signals=True)
        audio, _ = tones.utterance(11, 2, trailing=1.0)
        await client.send_audio(audio)
        await client.end()
    told = [event for event in client.events if event["type"] == "signals"]
    times = [event["audio_time"] for event in told]
    assert times == sorted(set(times))
    assert all(after - before == pytest.approx(ready["chunks"]["step"]) for before, after in pairwise(times))
    assert len(audio) / 16_000 - times[-1] < 0.2
    assert {event["turn_open"] for event in told} == {True, False}
    assert max(event.get("probability", 0.0) for event in told) == 1.0


async def test_a_stream_that_does_not_ask_has_none_and_the_same_words(url: str) -> None:
    audio, text = tones.utterance(11, 2, trailing=1.0)
    for settings in ({}, {"signals": True}):
        async with connected_client(url) as client:
            await client.start(latency_ms=80, turn=TURN, **settings)
            await client.send_audio(audio)
            await client.end()
        assert client.text == text
        assert ("signals" in client.kinds) == bool(settings)


async def test_many_signals_do_not_keep_a_stream_from_being_resumed(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start(latency_ms=80, signals=True)
        await client.send_audio(quiet(10.0))  # over a hundred chunks
        while (await client.event())["audio_time"] < 9.5:
            pass
        assert client.socket._response.connection is not None
        assert client.socket._response.connection.transport is not None
        client.socket._response.connection.transport.abort()
    async with connected_client(url, headers={RESUME_HEADER: f"{ready['resume_token']} 1"}) as client:
        resumed = await client.start(latency_ms=80, signals=True)
        assert resumed["held"]["samples"] == 160_000
        await client.send_audio(quiet(1.0))
        assert (await client.event("signals"))["audio_time"] > 9.5
        await client.end()
