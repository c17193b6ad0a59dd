"""Recordings: Deepgram's SDK and LiveKit's plugin, as they are published."""

from __future__ import annotations

import io
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import aiohttp
import httpx
import numpy as np
import pytest
import soundfile
from deepgram.core.api_error import ApiError
from deepgram.types import ListenV1Response
from livekit import rtc
from livekit.plugins import deepgram

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client
from tests.support import tones
from tests.support.adapters.deepgram_sdk import sdk
from tests.support.native_answer import native_answer

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
OTHER, SAID = tones.utterance(11, 3, trailing=1.0)


def file(samples: Any = PCM, kind: str = "WAV", rate: int = 16_000, **options: Any) -> bytes:
    written = io.BytesIO()
    soundfile.write(written, samples, rate, format=kind, **options)
    return written.getvalue()


async def transcribed(url: str, recording: bytes, key: str = "key", **options: Any) -> ListenV1Response:
    async with httpx.AsyncClient() as http:
        media = sdk(url, key, httpx_client=http).listen.v1.media
        answer = await media.transcribe_file(request=recording, model="nova-3", **options)
    assert isinstance(answer, ListenV1Response)
    return answer


def words(answer: ListenV1Response, channel: int = 0) -> list[Any]:
    [alternative] = answer.results.channels[channel].alternatives or []
    return alternative.words or []


@pytest.mark.dialect("Deepgram SDK, recordings", "words")
async def test_words_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, offline=True)
    answer = await transcribed(url, file(), punctuate=True)
    [alternative] = answer.results.channels[0].alternatives or []
    assert alternative.transcript == TEXT == native.text
    assert [(word.punctuated_word, word.start, word.end) for word in words(answer)] == native.words
    assert (alternative.confidence or 0) > 0
    assert answer.metadata.duration == pytest.approx(len(PCM) / 16_000, abs=0.01)
    assert answer.metadata.channels == 1


@pytest.mark.parametrize("kind", ["FLAC", "MP3", "OGG"])
async def test_files_of_other_kinds(url: str, kind: str) -> None:
    answer = await transcribed(url, file(kind=kind))
    assert (answer.results.channels[0].alternatives or [])[0].transcript == TEXT


async def test_samples_without_a_header(url: str) -> None:
    answer = await transcribed(url, PCM.tobytes(), encoding="linear16", request_options=_query(sample_rate="16000"))
    assert (answer.results.channels[0].alternatives or [])[0].transcript == TEXT


def _query(**parameters: str) -> Any:
    return {"additional_query_parameters": parameters}


async def test_each_channel_has_its_words_and_utterances(url: str) -> None:
    second = np.zeros_like(PCM)
    second[: len(OTHER)] = OTHER
    answer = await transcribed(
        url, file(np.stack([PCM, second], axis=1)), multichannel=True, utterances=True, utt_split=0.4, punctuate=True
    )
    assert answer.metadata.channels == 2
    texts = [(channel.alternatives or [])[0].transcript for channel in answer.results.channels]
    assert texts == [TEXT, SAID]
    utterances = answer.results.utterances or []
    assert sorted(utterances, key=lambda each: each.start or 0) == utterances
    for number, text in enumerate(texts):
        own = [each for each in utterances if each.channel == number]
        assert " ".join(each.transcript or "" for each in own) == text
        for before, after in pairwise(own):
            assert (after.start or 0) - (before.end or 0) >= 0.4
    assert len(utterances) > 2


async def test_paragraphs_hold_all_words(url: str) -> None:
    answer = await transcribed(url, file(), smart_format=True)
    paragraphs = (answer.results.channels[0].alternatives or [])[0].paragraphs
    assert paragraphs is not None
    assert (paragraphs.transcript or "").split() == TEXT.split()
    assert sum(each.num_words or 0 for each in paragraphs.paragraphs or []) == len(TEXT.split())


@pytest.mark.dialect("Deepgram SDK, recordings", "wrong key")
async def test_a_wrong_key(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        with pytest.raises(ApiError) as refused:
            await transcribed(url, file(), "wrong")
        assert refused.value.status_code == 401
        assert refused.value.body["err_code"] == "UNAUTHORIZED"
        assert (await transcribed(url, file(), "right")).results.channels


@pytest.mark.dialect("Deepgram SDK, recordings", "full server")
async def test_a_full_server(url: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(6):
            await (await held.enter_async_context(connected_client(url))).start()
        with pytest.raises(ApiError) as refused:
            await transcribed(url, file(), request_options={"max_retries": 0})
        assert refused.value.status_code == 503
        assert {name.lower() for name in refused.value.headers or {}} >= {"retry-after", "dg-error", "dg-request-id"}
    assert words(await transcribed(url, file()))


@pytest.mark.dialect("Deepgram SDK, recordings", "bad message")
async def test_what_is_no_recording_is_refused_in_words(url: str) -> None:
    for recording, options in ((b"no audio at all", {}), (file(), _query(utt_split="soon"))):
        with pytest.raises(ApiError) as refused:
            await transcribed(url, recording, request_options=options)
        assert 400 <= (refused.value.status_code or 0) < 500
        assert refused.value.body["err_msg"]
    async with httpx.AsyncClient() as http:
        media = sdk(url, httpx_client=http).listen.v1.media
        with pytest.raises(ApiError) as refused:
            await media.transcribe_url(url="http://127.0.0.1:9/a.wav", model="nova-3")
    assert "send the recording itself" in refused.value.body["err_msg"]


@pytest.mark.dialect("Deepgram SDK, recordings", "silence")
async def test_silence_has_no_words(url: str) -> None:
    answer = await transcribed(url, file(np.zeros(5 * 16_000, np.int16)), utterances=True)
    [alternative] = answer.results.channels[0].alternatives or []
    assert (alternative.transcript, alternative.words, answer.results.utterances) == ("", [], [])


@pytest.mark.dialect("LiveKit deepgram.STT, recordings", "words")
async def test_livekit_recognizes_a_recording(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        stt = deepgram.STT(api_key="key", base_url=url.replace("ws", "http", 1) + "/v1/listen", http_session=http)
        event = await stt.recognize(rtc.AudioFrame(PCM.tobytes(), 16_000, 1, len(PCM)))
    assert event.alternatives[0].text == TEXT
    assert [str(word) for word in event.alternatives[0].words or ()] == TEXT.split()
