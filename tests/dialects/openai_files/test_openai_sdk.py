"""The SDK of OpenAI: recordings, events and models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import openai
import pytest

from tests.auricle_server.audio_files.recordings import encoded
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.files.uploads import metric
from tests.auricle_server.raw_client import connected_client, until
from tests.support import tones
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12)
# Two finals: the pause ends a turn.
LONG = np.concatenate([PCM, np.zeros(3 * 16_000, np.int16), PCM])
WAVE = ("talk.wav", encoded("WAV", "PCM_16", PCM), "audio/wav")
LONG_FLAC = ("talk.flac", encoded("FLAC", "PCM_16", LONG))
SLOTS = 6


@asynccontextmanager
async def sdk(url: str, key: str = "key", **options: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=key, base_url=url.replace("ws", "http", 1) + "/v1", **options) as client:
        yield client


@pytest.mark.dialect("openai SDK, files", "words")
async def test_words_and_segments_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, LONG, offline=True)
    async with sdk(url) as client:
        plain = await client.audio.transcriptions.create(file=LONG_FLAC, model="gpt-transcribe")
        verbose = await client.audio.transcriptions.create(
            file=LONG_FLAC,
            model="whisper-1",
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    assert plain.text == verbose.text == native.text
    assert native.text.startswith(TEXT[:-5])
    assert [(word.word, word.start, word.end) for word in verbose.words or ()] == native.words
    finals = [(final["text"], final["start"], final["end"]) for final in native.finals if final["text"]]
    assert [(each.text, each.start, each.end) for each in verbose.segments or ()] == finals
    assert len(finals) > 1
    assert verbose.language == "en-US"
    assert verbose.duration == pytest.approx(len(LONG) / 16_000, abs=0.01)
    assert plain.usage is not None
    assert plain.usage.type == "duration"
    assert plain.languages is not None
    assert [language.code for language in plain.languages] == ["en-US"]


async def test_plain_formats_and_speakers(url: str) -> None:
    async with sdk(url) as client:
        text = await client.audio.transcriptions.create(file=WAVE, model="m", response_format="text")
        srt = await client.audio.transcriptions.create(file=WAVE, model="m", response_format="srt")
        vtt = await client.audio.transcriptions.create(file=WAVE, model="m", response_format="vtt")
        diarized = await client.audio.transcriptions.create(file=WAVE, model="m", response_format="diarized_json")
    assert text.strip() == TEXT
    assert " ".join(line for line in srt.splitlines() if line and not line[0].isdigit()) == TEXT
    assert vtt.startswith("WEBVTT\n\n00:00:00.")
    assert [(each.speaker, each.text) for each in diarized.segments] == [("A", TEXT)]


async def test_events_come_with_each_final(url: str) -> None:
    native = await native_answer(url, LONG, offline=True)
    async with sdk(url) as client:
        stream = await client.audio.transcriptions.create(
            file=LONG_FLAC, model="gpt-4o-transcribe", stream=True, include=["logprobs"]
        )
        events = [event async for event in stream]
    *deltas, done = events
    assert len(deltas) > 1
    assert "".join(delta.delta for delta in deltas if delta.type == "transcript.text.delta") == native.text
    assert done.type == "transcript.text.done"
    assert done.text == native.text
    assert [each.token for each in done.logprobs or ()][:2] == [TEXT.split()[0], f" {TEXT.split()[1]}"]


def test_the_client_without_a_loop_works_too(tones_server: str) -> None:
    with openai.OpenAI(api_key="key", base_url=tones_server.replace("ws", "http", 1) + "/v1") as client:
        answer = client.audio.transcriptions.with_raw_response.create(file=WAVE, model="m", keywords=["the"])
        assert answer.parse().text == TEXT


async def test_every_name_is_the_model(url: str) -> None:
    async with sdk(url) as client:
        [listed] = [model async for model in client.models.list()]
        assert listed.id == "tones_en.nemo"
        assert (await client.models.retrieve("whisper-1")).id == listed.id


@pytest.mark.dialect("openai SDK, files", "wrong key")
async def test_a_wrong_key_is_an_authentication_error(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        async with sdk(url, "wrong") as client:
            with pytest.raises(openai.AuthenticationError):
                await client.audio.transcriptions.create(file=WAVE, model="m")
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()
        async with sdk(url, "right") as client:
            assert (await client.audio.transcriptions.create(file=WAVE, model="m")).text == TEXT


@pytest.mark.dialect("openai SDK, files", "full server")
async def test_a_full_server_is_tried_again(serve: Serve) -> None:
    async with serve(retry_after_seconds=1) as url, sdk(url, max_retries=20) as client, AsyncExitStack() as held:
        for _ in range(SLOTS):
            await (await held.enter_async_context(connected_client(url))).start()
        asked = asyncio.ensure_future(client.audio.transcriptions.create(file=WAVE, model="m"))
        await until(lambda: _was_refused(url))
        await held.aclose()
        assert (await asyncio.wait_for(asked, 30)).text == TEXT


async def _was_refused(url: str) -> bool:
    return await metric(url, 'auricle_refused_total{code="server_full"}') > 0


@pytest.mark.dialect("openai SDK, files", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=1)
    async with proxy.running() as cut, sdk(cut) as client:
        assert (await client.audio.transcriptions.create(file=WAVE, model="m")).text == TEXT
    assert proxy.cuts_left == 0


@pytest.mark.dialect("openai SDK, files", "bad message")
async def test_bad_requests_are_errors_in_words(url: str) -> None:
    async with sdk(url) as client:
        create = client.audio.transcriptions.create
        with pytest.raises(openai.BadRequestError, match="the recording cannot be read"):
            await create(file=("talk.wav", b"no audio" * 100), model="m")
        with pytest.raises(openai.BadRequestError, match="the recording is empty"):
            await create(file=("talk.wav", b""), model="m")
        with pytest.raises(openai.BadRequestError, match="language 'xx' is not one of en-US"):
            await create(file=WAVE, model="m", language="xx")
        with pytest.raises(openai.BadRequestError, match="language 'xx' is not one of en-US"):
            await create(file=WAVE, model="m", language="xx", stream=True)
        with (
            pytest.warns(DeprecationWarning, match="deprecated"),
            pytest.raises(openai.BadRequestError, match="does not translate"),
        ):
            await client.audio.translations.create(file=WAVE, model="m")
        assert (await create(file=WAVE, model="m")).text == TEXT


@pytest.mark.dialect("openai SDK, files", "silence")
async def test_silence_has_no_words(url: str) -> None:
    minute = ("minute.flac", encoded("FLAC", "PCM_16", np.zeros(60 * 16_000, np.int16)))
    async with sdk(url) as client:
        answer = await client.audio.transcriptions.create(file=minute, model="m")
        stream = await client.audio.transcriptions.create(file=minute, model="m", stream=True)
        events = [event.type async for event in stream]
    assert (answer.text, events) == ("", ["transcript.text.done"])
    assert answer.usage is not None
    assert answer.usage.type == "duration"
    assert answer.usage.seconds == 60


@pytest.mark.dialect("openai SDK, files", "hour of silence")
async def test_a_recording_after_a_long_silence_is_transcribed(serve: Serve) -> None:
    async with serve(header_seconds=0.3) as url, sdk(url) as client:
        assert (await client.audio.transcriptions.create(file=WAVE, model="m")).text == TEXT
        await asyncio.sleep(1.0)  # the server has closed the connection that the client still has
        assert (await client.audio.transcriptions.create(file=WAVE, model="m")).text == TEXT
