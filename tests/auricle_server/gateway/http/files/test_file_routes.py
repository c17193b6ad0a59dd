"""Requests that bring a recording: what is answered, what is refused, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import numpy as np
import pytest

from tests.auricle_server.audio_files.recordings import encoded
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.files.uploads import PATH, TEXT, WAVE, form, http_url, metric, posted
from tests.auricle_server.raw_client import connected_client, until

SLOTS = 6


async def test_a_recording_is_answered_with_its_words(url: str) -> None:
    async with posted(url, form(model="any")) as answer:
        document = await answer.json()
        assert (answer.status, answer.headers["Server"]) == (200, "auricle")
        assert document["text"] == TEXT
    assert await metric(url, 'auricle_dialect_streams_total{dialect="openai_files"}') == 1
    assert await metric(url, "auricle_streams") == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_answered(url: str, method: str) -> None:
    async with aiohttp.ClientSession() as http, http.request(method, http_url(url, PATH)) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert (await answer.json())["message"] == "only POST is answered here"


async def test_the_answer_to_what_is_none_names_the_paths_of_recordings(url: str) -> None:
    async with posted(url, b"", path="/v1/audio") as answer:
        assert answer.status == 404
        assert PATH in (await answer.json())["message"]


async def test_a_client_may_ask_before_it_sends_its_recording(url: str) -> None:
    async with posted(url, form(), expect100=True) as answer:
        assert (await answer.json())["text"] == TEXT


async def test_a_recording_of_unknown_size_is_received(url: str) -> None:
    data = form()

    async def pieces() -> AsyncIterator[bytes]:
        whole = await data().as_bytes()
        for at in range(0, len(whole), 50_000):
            yield whole[at : at + 50_000]

    async with posted(url, pieces(), headers={"Content-Type": data().content_type}) as answer:
        assert (await answer.json())["text"] == TEXT


async def test_a_wrong_key_is_refused_before_the_recording_is_received(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        large = form(WAVE + bytes(1 << 20))
        async with posted(url, large, headers={"Authorization": "Bearer wrong"}) as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert (await answer.json())["error"]["code"] == "invalid_api_key"
        async with posted(url, form(), headers={"Authorization": "Bearer right"}) as answer:
            assert (await answer.json())["text"] == TEXT
        # What the server did not read is no request with too many headers.
        assert await metric(url, 'auricle_connections_closed_total{reason="large"}') == 0


async def test_pages_of_other_origins_upload_nothing(url: str) -> None:
    async with posted(url, form(), headers={"Origin": "https://elsewhere.example"}) as answer:
        assert answer.status == 403
        assert (await answer.json())["error"]["code"] == "origin_not_allowed"


async def test_a_full_server_refuses_with_503_and_a_time(url: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(SLOTS):
            await (await held.enter_async_context(connected_client(url))).start()
        async with posted(url, form()) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            error = (await answer.json())["error"]
            assert (error["code"], error["type"]) == ("server_full", "server_error")
    async with posted(url, form()) as answer:
        assert (await answer.json())["text"] == TEXT


async def test_a_large_recording_is_refused_by_a_full_server_before_it_comes(url: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield bytes(65_536)

    async with AsyncExitStack() as held:
        for _ in range(SLOTS):
            await (await held.enter_async_context(connected_client(url))).start()
        await until(lambda: _full(url))
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        async with posted(url, endless(), headers=headers, expect100=True) as answer:
            assert answer.status == 503
    assert sent == 0


async def _full(url: str) -> bool:
    async with aiohttp.ClientSession() as http, http.get(http_url(url, "/readyz")) as answer:
        return bool((await answer.json())["full"])


async def test_a_client_that_goes_away_gives_its_slot_back(url: str) -> None:
    hour = encoded("FLAC", "PCM_16", np.zeros(3600 * 16_000, np.int16))
    request = asyncio.create_task(_post(url, hour))
    await until(lambda: _streams(url, 1))
    request.cancel()
    await asyncio.wait({request})
    await until(lambda: _streams(url, 0))
    assert await metric(url, "auricle_audio_seconds_total") < 3500


async def _post(url: str, recording: bytes) -> None:
    async with posted(url, form(recording)) as answer:
        await answer.read()


async def _streams(url: str, count: int) -> bool:
    return await metric(url, "auricle_streams") == count


async def test_a_question_has_its_answer_and_its_methods(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(http_url(url, "/v1/models")) as answer:
            assert (await answer.json())["data"][0]["id"] == "tones_en.nemo"
        async with http.post(http_url(url, "/v1/models/a/b")) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
