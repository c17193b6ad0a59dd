"""Refined finals end to end: the client, a WebSocket, the gateway, the worker, the real engine."""

from __future__ import annotations

from contextlib import AsyncExitStack

import numpy as np
import pytest

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim, TurnEnd
from auricle.protocol.settings import Refine, TurnSettings
from auricle.stream import Stream
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.worker_bench import bench
from tests.auricle_server.raw_client import connected_client, quiet
from tests.support import tones

OFF = TurnSettings(mode="off")
PIECE = 5120


def pcm(audio: tones.Pcm) -> bytes:
    return audio.astype("<i2").tobytes()


async def say(stream: Stream, audio: tones.Pcm) -> None:
    data = pcm(audio)
    for at in range(0, len(data), PIECE):
        await stream.send(data[at : at + PIECE])


async def final_of(stream: Stream) -> Final:
    async for event in stream:
        if isinstance(event, Final):
            return event
    raise AssertionError("the stream ended without a final")


@pytest.mark.parametrize("refine", ["on", "auto"])
async def test_finals_are_refined_and_interims_come_at_the_streams_own_latency(url: str, refine: Refine) -> None:
    audio, text = tones.utterance(11, 4, trailing=1.2)
    start = Start(latency_ms=80, turn=TurnSettings(silence_ms=600), refine=refine)
    async with auricle.connect(url, start=start) as stream:
        await say(stream, audio)
        await stream.end()
        events = [event async for event in stream]
    interims = [event for event in events if isinstance(event, Interim)]
    assert all((event.audio_time * 16000 - 200) % 1280 < 1e-6 for event in interims)
    [final] = [event for event in events if isinstance(event, Final)]
    [end] = [event for event in events if isinstance(event, TurnEnd)]
    assert (final.text, final.refined, end.text) == (text, True, text)
    assert 0.6 <= end.audio_time - end.speech_end < 0.68 + 1e-6


async def test_a_finalize_is_answered_at_once_without_audio_after_it(url: str) -> None:
    audio, text = tones.utterance(21, 3, trailing=0.2)
    more, further = tones.utterance(22, 3)
    async with auricle.connect(url, start=Start(latency_ms=80, turn=OFF, refine="on")) as stream:
        await say(stream, audio)
        await stream.finalize("one")
        first = await final_of(stream)
        await stream.finalize("two")
        empty = await final_of(stream)
        await say(stream, more)
        await stream.end()
        last = await final_of(stream)
    assert (first.text, first.finalize_id, empty.text, empty.finalize_id, last.text) == (
        text,
        "one",
        "",
        "two",
        further,
    )
    assert first.settled == first.audio_time == len(audio) / 16000
    assert first.refined
    assert last.refined


async def test_refinement_is_switched_in_mid_stream(url: str) -> None:
    spoken = [tones.utterance(seed, 3, trailing=1.8) for seed in (11, 12, 13)]
    async with auricle.connect(url, start=Start(latency_ms=80)) as stream:
        finals: list[Final] = []
        wishes: tuple[Refine | None, ...] = (None, "on", "off")
        for (audio, _), refine in zip(spoken, wishes, strict=True):
            if refine is not None:
                await stream.update(refine=refine)
                await say(stream, quiet(1.0))
            await say(stream, audio)
            finals.append(await final_of(stream))
        await stream.end()
    assert [(final.text, final.refined) for final in finals] == [
        (text, refined) for (_, text), refined in zip(spoken, (False, True, False), strict=True)
    ]


async def test_a_second_pass_takes_a_slot_and_gives_it_back(serve: Serve) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve())  # with six slots
        one, two, three, four = [await stack.enter_async_context(connected_client(url)) for _ in range(4)]
        for client in (one, two):
            assert (await client.start(latency_ms=80, refine="on"))["type"] == "ready"
        for client in (three, four):
            await client.start(latency_ms=80)
        await four.send(type="update", refine="on")
        assert (await four.event("error"))["code"] == "server_full"
        assert await four.end() == []
        await one.end()
        await three.send(type="update", refine="on")
        await three.send_audio(np.concatenate((quiet(1.0), tones.utterance(11, 2, trailing=1.0)[0])))
        assert (await three.event("final"))["refined"] is True


async def test_a_start_that_must_be_refined_and_cannot_be_fails() -> None:
    async with bench(FakeEngine(1)) as table, connected_client(table.url) as client:
        await client.send(type="start", refine="on")
        assert [event["type"] for event in await client.rest()] == ["ready", "error"]
        assert (client.events[-1]["code"], client.close_code) == ("server_full", 1013)
        async with connected_client(table.url) as other:
            await other.start(refine="auto")
            await other.send_audio(speech("one", None))
            final, *_ = [event for event in await other.end() if event["type"] == "final"]
            assert (final["text"], final["refined"]) == ("one", False)
