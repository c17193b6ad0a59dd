"""The native protocol end to end: a raw WebSocket, the gateway, the worker, the real engine."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from tests.auricle_server.raw_client import Event, connected_client, quiet, transcribed
from tests.support import tones

LATENCIES = (80, 160, 560, 1120)


def resampled(audio: tones.Pcm, rate: int) -> npt.NDArray[np.float64]:
    at = np.arange(len(audio) * rate // 16000) * 16000 / rate
    return np.interp(at, np.arange(len(audio)), audio)


def mulaw(samples: npt.NDArray[np.float64]) -> bytes:
    """G.711 by its definition as a curve, not by the decoder's table."""
    magnitude = np.log1p(255 * np.minimum(np.abs(samples) / 32124, 1)) / np.log(256)
    return bytes(255 - np.where(samples < 0, 128, 0).astype(np.uint8) - np.rint(127 * magnitude).astype(np.uint8))


def alaw(samples: npt.NDArray[np.float64]) -> bytes:
    level = np.minimum(np.abs(samples) / 32256, 1)
    curve = np.where(level < 1 / 87.6, 87.6 * level, 1 + np.log(np.maximum(87.6 * level, 1))) / (1 + np.log(87.6))
    return bytes((np.rint(127 * curve).astype(np.uint8) | np.where(samples < 0, 0, 128).astype(np.uint8)) ^ 0x55)


@pytest.mark.parametrize("latency_ms", LATENCIES)
async def test_speech_becomes_text_at_every_latency(url: str, latency_ms: int) -> None:
    audio, text = tones.utterance(11, 8)
    assert await transcribed(url, audio, latency_ms=latency_ms) == text


async def test_ready_offers_what_the_model_has(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        assert (ready["type"], ready["seq"], ready["latency_ms"]) == ("ready", 1, 160)
        assert ready["latencies_ms"] == list(LATENCIES)
        assert ready["limits"]["message_bytes"] == 1 << 20
        assert len(ready["session"]) == 16
        assert await client.end() == []
        assert client.close_code == 1000


async def test_a_turn_from_its_first_word_to_its_end(url: str) -> None:
    audio, text = tones.utterance(11, 4, trailing=1.2)
    async with connected_client(url) as client:
        await client.start(latency_ms=80, turn={"mode": "silence", "silence_ms": 600})
        await client.send_audio(audio)
        end = await client.event("turn_end")
        kinds = [kind for kind in client.kinds if kind != "interim"]
        assert kinds == ["ready", "speech_started", "final", "turn_end"]
        assert client.kinds.index("speech_started") < client.kinds.index("interim")
        assert [event["seq"] for event in client.events] == list(range(1, len(client.events) + 1))
        final = client.events[-2]
        assert final["text"] == end["text"] == text
        assert " ".join(word["text"] for word in final["words"]) == text
        # Turns count from where the decoder ended its last word; the word itself ended a little before.
        assert end["speech_end"] - 0.2 <= final["words"][-1]["end"] <= end["speech_end"]
        interims = [event["text"] for event in client.events if event["type"] == "interim"]
        assert all(later.startswith(earlier) for earlier, later in pairwise(interims))
        assert await client.end() == []


@pytest.mark.parametrize("latency_ms", LATENCIES)
@pytest.mark.parametrize("silence_ms", [500, 900])
async def test_turn_ends_fall_on_the_chunk_clock(url: str, latency_ms: int, silence_ms: int) -> None:
    rng = random.Random(latency_ms + silence_ms)
    async with connected_client(url) as client:
        await client.start(latency_ms=latency_ms, turn={"mode": "silence", "silence_ms": silence_ms})
        for seed in (1, 2):
            audio, _ = tones.utterance(seed, 2, trailing=silence_ms / 1000 + 1.3)
            await client.send_audio(audio, piece=2 * rng.randint(100, 5000))
        await client.end()
    ends = [event for event in client.events if event["type"] == "turn_end"]
    assert len(ends) >= 2
    for end in ends:
        assert silence_ms / 1000 <= end["audio_time"] - end["speech_end"] < (silence_ms + latency_ms) / 1000 + 1e-9


@pytest.mark.parametrize("latency_ms", LATENCIES)
async def test_a_finalize_gives_every_word_said_before_it_at_once(url: str, latency_ms: int) -> None:
    """At once: no audio comes after it. Every word: whatever the chunk. None leaks into the segment after it."""
    audio, text = tones.utterance(21, 3, trailing=0.2)
    more, further = tones.utterance(22, 3)
    async with connected_client(url) as client:
        await client.start(latency_ms=latency_ms, turn={"mode": "off"})
        await client.send_audio(audio)
        await client.send(type="finalize", id="one")
        final = await client.event("final")
        assert (final["text"], final["finalize_id"]) == (text, "one")
        assert final["settled"] == final["audio_time"] == len(audio) / 16000
        await client.send(type="finalize", id="two")
        empty = await client.event("final")
        assert (empty["text"], empty["words"], empty["finalize_id"]) == ("", [], "two")
        assert empty["start"] == empty["end"] == empty["audio_time"]
        await client.send_audio(more)
        await client.end()
    assert client.text == f"{text} {further}"
    assert client.kinds.count("speech_started") == 2


async def test_a_finalize_with_the_end_right_after_it_is_answered(url: str) -> None:
    audio, text = tones.utterance(21, 2)
    async with connected_client(url) as client:
        await client.start(latency_ms=560)
        await client.send_audio(audio)
        await client.send(type="finalize", id="f")
        await client.send(type="finalize", id="g")
        await client.end()
    assert [event["finalize_id"] for event in client.events if event["type"] == "final"] == ["f", "g"]
    assert (client.text, client.events[-1]["text"], client.close_code) == (text, text, 1000)


async def test_words_can_be_left_out(url: str) -> None:
    audio, text = tones.utterance(11, 3)
    async with connected_client(url) as client:
        await client.start(words=False)
        await client.send_audio(audio)
        await client.end()
    [final] = [event for event in client.events if event["type"] == "final"]
    assert (final["text"], final["words"]) == (text, [])


@pytest.mark.parametrize("rate", [8000, 24000, 44100, 48000])
async def test_other_sample_rates(url: str, rate: int) -> None:
    audio, text = tones.utterance(11, 5)
    data = np.round(resampled(audio, rate)).astype("<i2").tobytes()
    async with connected_client(url) as client:
        await client.start(sample_rate=rate, turn={"mode": "off"})
        await client.send_audio(data, piece=2 * 777)
        await client.send(type="finalize", id="f")
        final = await client.event("final")
        assert final["text"] == text
        assert final["audio_time"] == pytest.approx(len(audio) / 16000, abs=0.001)


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
async def test_telephone_encodings(url: str, encoding: str) -> None:
    audio, text = tones.utterance(11, 5)
    samples = resampled(audio, 8000)
    data = mulaw(samples) if encoding == "mulaw" else alaw(samples)
    assert await transcribed(url, data, encoding=encoding, sample_rate=8000) == text


async def test_latency_and_language_change_in_mid_stream(url: str) -> None:
    audio, text = tones.utterance(31, 9)
    third = len(audio) // 3
    async with connected_client(url) as client:
        await client.start(latency_ms=1120, turn={"mode": "off"})
        await client.send_audio(audio[:third])
        await client.send(type="update", latency_ms=80)
        await client.send_audio(audio[third : 2 * third])
        await client.send(type="update", latency_ms=560, language="en", turn={"mode": "silence", "silence_ms": 400})
        await client.send_audio(audio[2 * third :])
        await client.end()
    assert client.text == text
    assert client.events[-1]["type"] == "turn_end"


async def test_a_start_with_its_own_latency_is_as_good_as_the_default(url: str) -> None:
    """The slot is taken with default settings before the start is known; the change must leave no trace."""
    audio, _ = tones.utterance(41, 6)

    async def heard(**settings: object) -> tuple[list[Event], list[Event]]:
        """What was heard, and the interims. An interim gives way to a newer one: their number is chance."""
        async with connected_client(url) as client:
            await client.start(**settings)
            await client.send_audio(audio)
            await client.end()
        events = [{**event, "seq": None} for event in client.events[1:]]
        return (
            [event for event in events if event["type"] != "interim"],
            [event for event in events if event["type"] == "interim"],
        )

    (default, default_interims), (own, own_interims) = await heard(), await heard(latency_ms=160, language="en-US")
    assert default == own
    # Whatever both sent about the same audio is the same.
    by_time = {interim["audio_time"]: interim for interim in default_interims}
    common = [interim for interim in own_interims if interim["audio_time"] in by_time]
    assert common
    assert all(interim == by_time[interim["audio_time"]] for interim in common)
    first = (await heard(latency_ms=80))[0][0]
    assert (first["audio_time"] * 16000 - 200) % 1280 == 0


async def test_streams_side_by_side_get_their_own_words(url: str) -> None:
    spoken = {seed: tones.utterance(seed, 5) for seed in range(50, 56)}

    async def one(seed: int) -> str:
        rng = random.Random(seed)
        async with connected_client(url) as client:
            await client.start(latency_ms=rng.choice(LATENCIES))
            await client.send_audio(spoken[seed][0], piece=2 * rng.randint(50, 4000))
            await client.end()
            return client.text

    alone = {seed: await one(seed) for seed in spoken}
    together = dict(zip(spoken, await asyncio.gather(*map(one, spoken)), strict=True))
    assert together == alone


async def test_a_slot_forgets_whom_it_served(url: str) -> None:
    for seed in range(60, 68):
        audio, text = tones.utterance(seed, 2)
        async with connected_client(url) as cut:
            await cut.start(latency_ms=80)
            await cut.send_audio(tones.utterance(seed + 100, 3)[0])
        assert await transcribed(url, audio, latency_ms=80) == text


async def test_a_silent_stream_has_no_words_and_settles(url: str) -> None:
    async with connected_client(url) as client:
        await client.start(latency_ms=1120)
        await client.send_audio(quiet(16))
        events = [await client.event(), await client.event()]
        assert await client.end() == []
    assert {event["type"] for event in events} == {"settled"}
    assert [event["audio_time"] - event["settled"] for event in events] == [2.0, 2.0]
