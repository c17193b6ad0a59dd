"""Recordings through a server of Auricle's own protocol."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from auricle_server.bench.quality.recognisers.interface import RecogniserFailed, RecognitionSetting
from auricle_server.bench.quality.recognisers.native_server import connect_native
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.support import tones

LIVE = RecognitionSetting(StreamMode.LIVE, 80, None, realtime=False, turns="silence")
PCM, TEXT = tones.utterance(5, 12, trailing=1.5)


def joined(text: str) -> str:
    return " ".join(text.split())


async def test_it_says_what_it_offers(tones_server: str) -> None:
    async with connect_native(tones_server, None) as server:
        offer = await server.offer()
    assert offer.model.endswith("tones_en.nemo")
    assert offer.latencies_ms == (80, 160, 560, 1120)
    assert offer.languages == ("en-US",)


@pytest.mark.parametrize(
    "setting",
    [
        LIVE,
        replace(LIVE, latency_ms=560, language="en"),
        replace(LIVE, mode=StreamMode.REFINED),
        replace(LIVE, mode=StreamMode.OFFLINE, latency_ms=None),
        replace(LIVE, turns="off"),
    ],
    ids=["live", "longer", "refined", "offline", "without turns"],
)
async def test_the_words_come_back_in_every_mode(tones_server: str, setting: RecognitionSetting) -> None:
    async with connect_native(tones_server, None) as server:
        found = await server.recognise(PCM.tobytes(), setting)
    assert joined(found.text) == TEXT
    words = [word for segment in found.segments for word in segment.words]
    assert [word.text for word in words] == TEXT.split()
    assert all(segment.language == "en-US" for segment in found.segments)
    assert found.finalize_seconds > 0


async def test_ends_of_turns_within_the_recording_are_kept(tones_server: str) -> None:
    async with connect_native(tones_server, None) as server:
        with_silence = await server.recognise(PCM.tobytes(), LIVE)
        without = await server.recognise(tones.utterance(5, 12, trailing=0.0)[0].tobytes(), LIVE)
        off = await server.recognise(PCM.tobytes(), replace(LIVE, turns="off"))
    assert len(with_silence.turn_ends) >= 1
    assert all(0 < at < len(PCM) / 16_000 for at in with_silence.turn_ends)
    # The end of the stream ends an open turn: no decision about silence.
    assert len(without.turn_ends) == len(with_silence.turn_ends) - 1
    assert off.turn_ends == ()


async def test_in_real_time_a_final_comes_after_its_words(tones_server: str) -> None:
    pcm, text = tones.utterance(6, 4)
    async with connect_native(tones_server, None) as server:
        found = await server.recognise(pcm.tobytes(), replace(LIVE, realtime=True))
    assert joined(found.text) == text
    assert found.segments[-1].arrived >= found.segments[-1].words[-1].start


async def test_a_server_that_is_not_there(unused_tcp_port: int) -> None:
    async with connect_native(f"ws://127.0.0.1:{unused_tcp_port}", None) as server:
        with pytest.raises(RecogniserFailed):
            await server.offer()
        with pytest.raises(RecogniserFailed):
            await server.recognise(PCM.tobytes(), LIVE)


async def test_an_address_that_is_none() -> None:
    with pytest.raises(RecogniserFailed):
        async with connect_native("file:///etc/passwd", None):
            pass


async def test_what_is_not_offered_is_refused_for_all(tones_server: str) -> None:
    async with connect_native(tones_server, None) as server:
        with pytest.raises(RecogniserFailed, match="123"):
            await server.recognise(PCM.tobytes(), replace(LIVE, latency_ms=123))


async def test_a_full_server_is_asked_again() -> None:
    config = ServerConfig(slots=1, max_load=0, retry_after_seconds=1)
    async with serve_locally(config, model=str(tones.CHECKPOINT)) as url, connect_native(url, None) as server:
        found = await asyncio.gather(*(server.recognise(PCM.tobytes(), LIVE) for _ in range(3)))
    assert [joined(each.text) for each in found] == [TEXT] * 3


async def test_a_key_opens_a_server() -> None:
    config = ServerConfig(api_keys=("right",), max_load=0)
    async with serve_locally(config, model=str(tones.CHECKPOINT)) as url:
        async with connect_native(url, "right") as server:
            assert (await server.offer()).model.endswith("tones_en.nemo")
        async with connect_native(url, "wrong") as server:
            with pytest.raises(RecogniserFailed):
                await server.offer()
