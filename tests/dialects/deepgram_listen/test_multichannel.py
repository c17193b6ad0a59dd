"""Deepgram's SDK with two channels, each a stream of its own on one connection."""

from __future__ import annotations

from contextlib import AsyncExitStack

import aiohttp
import numpy as np
import pytest
from deepgram.core.api_error import ApiError

from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.deepgram_listen.test_deepgram_sdk import Live, live
from tests.support import tones

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
OTHER, SAID = tones.utterance(11, 3, trailing=1.0)
SECOND = np.zeros_like(PCM)
SECOND[: len(OTHER)] = OTHER
BOTH = np.stack([PCM, SECOND], axis=1).astype("<i2").tobytes()


def text(stream: Live, channel: int) -> str:
    own = [final for final in stream.finals if final.channel_index == [channel, 2]]
    return " ".join(filter(None, (final.channel.alternatives[0].transcript for final in own)))


async def test_each_channel_has_its_own_results_on_one_connection(url: str) -> None:
    async with live(url, channels=2, multichannel=True, vad_events=True) as stream:
        await stream.send(BOTH)
        await stream.socket.send_finalize()
        await until(lambda: sum(final.from_finalize or False for final in stream.finals) == 2)
        await stream.close()
    assert (text(stream, 0), text(stream, 1), stream.errors) == (TEXT, SAID, [])
    assert {tuple(started.channel) for started in stream.of("SpeechStarted")} == {(0, 2), (1, 2)}
    assert [message.channels for message in stream.of("Metadata")] == [2]
    assert stream.messages[-1].type == "Metadata"


async def test_every_channel_needs_a_slot(url: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(5):
            await (await held.enter_async_context(connected_client(url))).start()
        with pytest.raises(ApiError) as refused:
            async with live(url, channels=2, multichannel=True):
                pass
        assert refused.value.status_code == 503
        async with live(url) as stream:  # the slot that the first channel had is free again
            await stream.send(PCM.tobytes())
            await stream.close()
        assert stream.text == TEXT


async def test_a_client_that_goes_away_frees_all_slots(url: str) -> None:
    query = "encoding=linear16&channels=2&multichannel=true"
    for _ in range(4):
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/listen?{query}") as socket:
            await socket.send_bytes(BOTH[:100_000])


async def test_a_language_that_is_not_offered_is_refused(url: str) -> None:
    with pytest.raises(ApiError) as refused:
        async with live(url, channels=2, multichannel=True, language="xx"):
            pass
    assert refused.value.status_code == 400
