"""LiteLLM's calls for transcription, as it is published."""

from __future__ import annotations

import asyncio
import io
import os
from contextlib import AsyncExitStack
from typing import Any

# Otherwise the import asks the internet for prices.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm
import numpy as np
import pytest

from tests.auricle_server.audio_files.recordings import encoded
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import was_refused
from tests.support import tones
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12)
SLOTS = 6


def recording(audio: tones.Pcm = PCM, container: str = "WAV") -> io.BytesIO:
    file = io.BytesIO(encoded(container, "PCM_16", audio))
    file.name = f"talk.{container.lower()}"
    return file


async def transcribed(url: str, file: io.BytesIO | None = None, **options: Any) -> Any:
    given = {"model": "openai/whisper-1", "api_key": "key", "max_retries": 0, **options}
    api_base = url.replace("ws", "http", 1) + "/v1"
    return await litellm.atranscription(file=file or recording(), api_base=api_base, **given)


@pytest.mark.dialect("LiteLLM, files", "words")
async def test_words_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, offline=True)
    plain = await transcribed(url)
    verbose = await transcribed(
        url, recording(container="FLAC"), response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert plain.text == verbose.text == native.text == TEXT
    words = [(word["word"], word["start"], word["end"]) for word in verbose.words]
    assert words == native.words


def test_the_call_without_a_loop_works_too(tones_server: str) -> None:
    api_base = tones_server.replace("ws", "http", 1) + "/v1"
    answer = litellm.transcription(model="openai/whisper-1", file=recording(), api_base=api_base, api_key="key")
    assert answer.text == TEXT


@pytest.mark.dialect("LiteLLM, files", "wrong key")
async def test_a_wrong_key_is_an_authentication_error(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        with pytest.raises(litellm.AuthenticationError, match="API key"):
            await transcribed(url, api_key="wrong")
        assert (await transcribed(url, api_key="right")).text == TEXT


@pytest.mark.dialect("LiteLLM, files", "full server")
async def test_a_full_server_is_tried_again(serve: Serve) -> None:
    async with serve(retry_after_seconds=1) as url, AsyncExitStack() as held:
        for _ in range(SLOTS):
            await (await held.enter_async_context(connected_client(url))).start()
        asked = asyncio.ensure_future(transcribed(url, max_retries=20))
        await until(lambda: was_refused(url))
        await held.aclose()
        assert (await asyncio.wait_for(asked, 30)).text == TEXT


@pytest.mark.dialect("LiteLLM, files", "cut connection")
async def test_a_cut_connection_is_opened_again(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=1)
    async with proxy.running() as cut:
        assert (await transcribed(cut, max_retries=2)).text == TEXT
    assert proxy.cuts_left == 0


@pytest.mark.dialect("LiteLLM, files", "bad message")
async def test_bad_requests_are_errors_in_words(url: str) -> None:
    noise = io.BytesIO(b"no audio" * 100)
    noise.name = "talk.wav"
    with pytest.raises(litellm.BadRequestError, match="the recording cannot be read"):
        await transcribed(url, noise)
    with pytest.raises(litellm.BadRequestError, match="language 'xx' is not one of en-US"):
        await transcribed(url, language="xx")
    assert (await transcribed(url)).text == TEXT


@pytest.mark.dialect("LiteLLM, files", "silence")
async def test_silence_has_no_words(url: str) -> None:
    assert (await transcribed(url, recording(np.zeros(60 * 16_000, np.int16)))).text == ""


@pytest.mark.dialect("LiteLLM, files", "hour of silence")
async def test_a_recording_after_a_long_silence_is_transcribed(serve: Serve) -> None:
    async with serve(header_seconds=0.3) as url:
        assert (await transcribed(url)).text == TEXT
        await asyncio.sleep(1.0)  # the server has closed the connection that the client still has
        assert (await transcribed(url)).text == TEXT
