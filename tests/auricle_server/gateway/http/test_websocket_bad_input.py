"""Bad input ends its own stream with a clear error, or none at all; the stream next to it notices nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import cast

import aiohttp
import numpy as np
import pytest

from auricle_server.gateway.http import connections
from auricle_server.gateway.workers import model_pools
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import RawClient, connected_client, quiet, transcribed, until
from tests.support import tones

Misdeed = Callable[[RawClient], Awaitable[object]]


@asynccontextmanager
async def neighbour(url: str) -> AsyncIterator[None]:
    """A good stream that is open throughout, says half of its words before and half after."""
    audio, text = tones.utterance(71, 4)
    async with connected_client(url) as client:
        await client.start(latency_ms=560)
        await client.send_audio(audio[: len(audio) // 2])
        yield
        await client.send_audio(audio[len(audio) // 2 :])
        await client.end()
        assert (client.text, client.close_code) == (text, 1000)


def started(misdeed: Misdeed) -> Misdeed:
    async def after_start(client: RawClient) -> None:
        await client.start(latency_ms=560)
        await misdeed(client)

    return after_start


async def end_twice(client: RawClient) -> None:
    await client.send(type="end")
    await client.send(type="end")


async def audio_after_the_end(client: RawClient) -> None:
    await client.send(type="end")
    await client.socket.send_bytes(b"\0\0")


FATAL: dict[str, tuple[Misdeed, str, int]] = {
    "half a sample": (started(lambda t: t.socket.send_bytes(b"abc")), "bad_audio", 1007),
    "text that is no JSON": (started(lambda t: t.socket.send_str("hello")), "bad_json", 1007),
    "JSON that is no object": (started(lambda t: t.socket.send_str("[1]")), "bad_json", 1007),
    "a message without type": (started(lambda t: t.socket.send_str("{}")), "unknown_message", 1007),
    "an unknown message": (started(lambda t: t.send(type="listen")), "unknown_message", 1007),
    "an unknown field": (lambda t: t.send(type="start", colour="red"), "invalid_field", 1007),
    "a field of the wrong type": (lambda t: t.send(type="start", sample_rate="16k"), "invalid_field", 1007),
    "a rate out of range": (lambda t: t.send(type="start", sample_rate=4000), "invalid_field", 1007),
    "an unknown encoding": (lambda t: t.send(type="start", encoding="opus"), "invalid_field", 1007),
    "another version": (lambda t: t.send(type="start", version=2), "unsupported_version", 1002),
    "audio before the start": (lambda t: t.socket.send_bytes(b"\0\0"), "not_started", 1002),
    "a finalize before the start": (lambda t: t.send(type="finalize", id="f"), "not_started", 1002),
    "a second start": (started(lambda t: t.send(type="start")), "already_started", 1002),
    "an unknown latency": (lambda t: t.send(type="start", latency_ms=100), "unsupported_latency", 1008),
    "an unknown language": (lambda t: t.send(type="start", language="tlh"), "unsupported_language", 1008),
    "too many key terms": (lambda t: t.send(type="start", keyterms=["auricle"] * 1001), "invalid_keyterms", 1008),
    "a key term of 101 characters": (lambda t: t.send(type="start", keyterms=["a" * 101]), "invalid_keyterms", 1008),
    "a finalize without id": (started(lambda t: t.send(type="finalize", id="")), "invalid_field", 1007),
    "a message of 20 MB": (started(lambda t: t.socket.send_bytes(bytes(20_000_000))), "message_too_big", 1009),
    "a text of 2 MB": (started(lambda t: t.socket.send_str(" " * 2_000_000)), "message_too_big", 1009),
    "text that is no UTF-8": (
        started(lambda t: t.socket.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)),
        "bad_json",
        1007,
    ),
    "an end after the end": (started(end_twice), "after_end", 1002),
    "audio after the end": (started(audio_after_the_end), "after_end", 1002),
}


@pytest.mark.parametrize("name", FATAL)
async def test_what_ends_the_stream(url: str, name: str) -> None:
    misdeed, code, close_code = FATAL[name]
    async with neighbour(url), connected_client(url) as client:
        await misdeed(client)
        error = (await client.rest())[-1]
        assert (error["type"], error["code"], error["fault"], error["fatal"]) == ("error", code, "client", True)
        assert len(error["message"]) > 10
        assert client.close_code == close_code


async def test_an_update_that_cannot_be_followed_changes_nothing(url: str) -> None:
    audio, text = tones.utterance(71, 3)
    async with connected_client(url) as client:
        await client.start(latency_ms=560)
        for update, code in (
            ({"latency_ms": 100}, "unsupported_latency"),
            ({"language": "tlh"}, "unsupported_language"),
            ({"keyterms": ["auricle"] * 1001}, "invalid_keyterms"),
        ):
            await client.send(type="update", **update)
            error = await client.event()
            assert (error["code"], error["fatal"]) == (code, False)
        await client.send_audio(audio)
        await client.end()
        assert (client.text, client.close_code) == (text, 1000)


async def test_silence_only_and_nothing_at_all(url: str) -> None:
    assert await transcribed(url, quiet(3.0)) == ""
    assert await transcribed(url, b"") == ""
    async with connected_client(url) as client:
        await client.start()
        await client.send(type="finalize", id="f")
        final = await client.event()
        assert (final["text"], final["audio_time"], final["settled"]) == ("", 0.0, 0.0)
        await client.socket.send_bytes(b"")
        await client.socket.send_bytes(b"\1\0")
        await client.send(type="finalize", id="g")
        assert (await client.event())["audio_time"] == 1 / 16000
        assert await client.end() == []


async def test_clipped_and_deafening_audio(url: str) -> None:
    audio, _ = tones.utterance(71, 3)
    clipped = np.clip(audio.astype(np.int32) * 50, -32768, 32767).astype(np.int16)
    noise = np.random.default_rng(1).integers(-32768, 32767, 32000, dtype=np.int16)
    async with neighbour(url):
        for loud in (clipped, noise, np.full(16000, -32768, np.int16)):
            await transcribed(url, loud, latency_ms=560)


async def test_a_storm_of_finalizes(url: str) -> None:
    audio, text = tones.utterance(71, 4)
    async with neighbour(url), connected_client(url) as client:
        await client.start(latency_ms=80, turn={"mode": "off"})
        await client.send_audio(audio)
        for number in range(2000):
            await client.send(type="finalize", id=str(number))
        await client.end()
        finals = [event for event in client.events if event["type"] == "final"]
        assert [final["finalize_id"] for final in finals] == [str(number) for number in range(2000)]
        assert (client.text, client.close_code) == (text, 1000)


async def test_a_finalize_with_every_sample_changes_no_word(url: str) -> None:
    """Cut anywhere, the tokens are the same: joined without the cuts' spaces, the text is."""
    audio, text = tones.utterance(72, 3)
    async with connected_client(url) as client:
        await client.start(latency_ms=560, turn={"mode": "off"})
        for number, at in enumerate(range(0, len(audio), 801)):
            await client.send_audio(audio[at : at + 801])
            await client.send(type="finalize", id=str(number))
        await client.end()
        assert client.text.replace(" ", "") == text.replace(" ", "")


async def test_a_storm_of_updates(url: str) -> None:
    audio, text = tones.utterance(73, 4)
    async with neighbour(url), connected_client(url) as client:
        await client.start(latency_ms=80, turn={"mode": "off"})
        for number, at in enumerate(range(0, len(audio), 1600)):
            for latency_ms in (80, 160, 560):
                await client.send(type="update", latency_ms=latency_ms)
            await client.send(type="update", turn={"mode": "silence" if number % 2 else "off", "silence_ms": 10000})
            await client.send_audio(audio[at : at + 1600])
        await client.end()
        assert (client.text, client.close_code) == (text, 1000)


async def has_streams(url: str, count: int) -> bool:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/readyz") as answer:
        return bool((await answer.json())["streams"] == count)


async def test_a_client_that_vanishes_in_mid_word_gives_its_slot_back(url: str) -> None:
    audio, _ = tones.utterance(71, 4)
    async with neighbour(url):
        async with connected_client(url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio[:6000])
            assert client.socket._response.connection is not None
            transport = client.socket._response.connection.transport
            cast("asyncio.Transport", transport).abort()  # uvloop's is one by its methods only
        await until(lambda: has_streams(url, 1))


async def test_a_client_that_says_nothing_gives_its_slot_back(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_pools, "BEAT_SECONDS", 0.05)
    async with serve(idle_seconds=0.6, start_seconds=0.2) as url:
        async with connected_client(url) as mute:
            [error] = await mute.rest()
            assert (error["code"], mute.close_code) == ("idle_timeout", 1008)
        async with connected_client(url) as silent, connected_client(url) as speaking:
            await silent.start()
            await speaking.start()
            for _ in range(10):
                await speaking.send_audio(quiet(0.1))
                await asyncio.sleep(0.1)
            await speaking.end()
            assert speaking.close_code == 1000
            [error] = await silent.rest()
            assert (error["code"], silent.close_code) == ("idle_timeout", 1008)


LIFE: dict[str, Misdeed] = {
    "pings": lambda t: t.socket.ping(),
    "pongs": lambda t: t.socket.pong(),
    "updates": lambda t: t.send(type="update", turn={"mode": "off"}),
    "finalizes": lambda t: t.send(type="finalize", id=str(time.monotonic())),
    "empty messages": lambda t: t.socket.send_bytes(b""),
}


@pytest.mark.parametrize("name", LIFE)
async def test_signs_of_life_hold_no_slot(serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(model_pools, "BEAT_SECONDS", 0.05)
    async with serve(idle_seconds=0.5, start_seconds=0.5) as url:
        for starts in (True, False):
            if not starts and name not in {"pings", "pongs"}:
                continue  # the first message must be a start
            async with connected_client(url) as client:
                if starts:
                    await client.start()
                with suppress(ConnectionError):
                    for _ in range(200):
                        if await has_streams(url, 0):
                            break
                        await LIFE[name](client)
                        await asyncio.sleep(0.05)
                    else:
                        pytest.fail(f"{name} have held the slot for ten seconds")
                assert (await client.rest())[-1]["code"] == "idle_timeout"


async def test_a_full_server_takes_the_slots_of_connections_without_a_start(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "START_GRACE_SECONDS", 0.2)
    audio, text = tones.utterance(71, 3)
    async with serve(start_seconds=60.0) as url, AsyncExitStack() as open_clients:
        mute = [await open_clients.enter_async_context(connected_client(url)) for _ in range(5)]
        started = await open_clients.enter_async_context(connected_client(url))
        await started.start()
        with pytest.raises(aiohttp.WSServerHandshakeError):  # all are too young
            await transcribed(url, audio)
        await asyncio.sleep(0.3)
        assert await transcribed(url, audio) == text
        assert (await mute[0].rest())[-1]["code"] == "idle_timeout"
        await mute[1].start()
        for client in (started, mute[1]):
            await client.send_audio(audio)
            await client.end()
            assert (client.text, client.close_code) == (text, 1000)


async def test_a_stream_may_last_so_long(serve: Serve) -> None:
    async with serve(stream_seconds=6.0) as url, neighbour(url), connected_client(url) as client:
        await client.start(latency_ms=1120, sample_rate=8000)
        await client.socket.send_bytes(bytes(2 * 8000 * 6))
        await client.socket.send_bytes(bytes(2 * 100))
        error = (await client.rest())[-1]
        assert (error["code"], client.close_code) == ("stream_too_long", 1008)


async def test_a_message_may_be_as_big_as_the_limit_says(serve: Serve) -> None:
    async with serve(message_bytes=1024) as url, connected_client(url) as client:
        await client.start()
        await client.socket.send_bytes(bytes(1024))
        await client.end()
        assert client.close_code == 1000
