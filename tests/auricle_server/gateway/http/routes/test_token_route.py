"""Tokens through a real server: who gets them, what they open, and when that ends."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from auricle import Final, Start, connect
from auricle.protocol.client_messages import RESUME_HEADER
from auricle_server.gateway.http.routes.json_body import MOST_BYTES
from auricle_server.gateway.keys.keys_file_edit import revoke_key
from auricle_server.gateway.keys.wrong_keys import MOST_WRONG
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.routes.token_client import ask_for_token, page, program, token_of
from tests.auricle_server.gateway.keys.test_access import KeysFile, secret
from tests.auricle_server.raw_client import connected_client, quiet, until
from tests.support import tones

KEY = secret("page")


@pytest.fixture
def keys(tmp_path: Path) -> KeysFile:
    return KeysFile(tmp_path)


async def opens(url: str, way: dict[str, Any], query: str = "") -> int:
    """101 where a stream opens, which is ended again; else the status of the refusal."""
    try:
        async with connected_client(url, query, **way) as client:
            assert (await client.start())["type"] == "ready"
            await client.end()
            return 101
    except aiohttp.WSServerHandshakeError as refused:
        return refused.status


@pytest.mark.parametrize("way", [page, program])
async def test_a_token_opens_streams_in_place_of_its_key(serve: Serve, way: Any) -> None:
    async with serve(api_keys=(KEY,)) as url:
        token = await token_of(url, KEY)
        async with connected_client(url, **way(token)) as client:
            assert client.socket.protocol == ("auricle.v1" if way is page else None)
            assert (await client.start())["type"] == "ready"
            audio, text = tones.utterance(11, 2)
            await client.send_audio(audio)
            await client.end()
        assert client.text == text
        assert await opens(url, way(token)) == 101  # as often as one likes


async def test_a_token_is_accepted_wherever_a_key_is(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url, aiohttp.ClientSession() as http:
        token, address = await token_of(url, KEY), url.replace("ws", "http", 1)
        async with http.get(f"{address}/v1/models", **program(token)) as answer:
            assert answer.status == 200
        async with http.ws_connect(f"{url}/v1/listen?encoding=linear16", protocols=("token", token)) as socket:
            await socket.send_json({"type": "CloseStream"})
            assert (await socket.receive()).type is aiohttp.WSMsgType.TEXT
        async with connect(url, api_key=token, start=Start(latency_ms=80)) as stream:
            audio, text = tones.utterance(12, 2)
            await stream.send(audio.tobytes())
            await stream.end()
            assert " ".join([event.text async for event in stream if isinstance(event, Final)]).strip() == text


async def test_the_answer_says_what_the_token_may(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url:
        status, answer = await ask_for_token(url, KEY, {"expires_in": 90, "max_streams": 2, "max_stream_seconds": 600})
        assert (status, answer["max_streams"], answer["max_stream_seconds"]) == (200, 2, 600)
        assert 85 < answer["expires_in"] <= 90
        left = dt.datetime.fromisoformat(answer["expires_at"]) - dt.datetime.now(dt.UTC)
        assert 85 < left.total_seconds() <= 90
        assert set((await ask_for_token(url, KEY))[1]) == {"token", "expires_in", "expires_at"}


async def test_only_a_key_gets_a_token(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url:
        token = await token_of(url, KEY)
        assert (await ask_for_token(url))[0] == 401
        assert (await ask_for_token(url, "x" * 40))[0] == 401
        status, refusal = await ask_for_token(url, token)
        assert (status, refusal["code"]) == (403, "unauthorized")
        assert "send the key" in refusal["message"]


async def test_a_token_that_is_none_opens_nothing_and_counts_as_a_wrong_key(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url, serve(api_keys=(KEY,)) as other:
        token = await token_of(url, KEY)
        forged = token[:-1] + ("A" if token[-1] != "A" else "B")
        for wrong in (forged, await token_of(other, KEY), "at1.e30.e30"):
            assert await opens(url, page(wrong)) == 401
        for _ in range(MOST_WRONG):
            await opens(url, page(forged))
        assert await opens(url, page(forged)) == 429
        assert await opens(url, page(token)) == 101  # nobody is locked out by somebody else behind the same proxy


async def test_a_token_ends_and_its_streams_go_on(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url:
        token = await token_of(url, KEY, expires_in=1)
        async with connected_client(url, **page(token)) as client:
            ready = await client.start(latency_ms=80)
            await client.send_audio(quiet(0.5))
            await until(lambda: _refused(url, token))
            await client.send(type="finalize", id="late")
            assert (await client.event("final"))["finalize_id"] == "late"
            connection = client.socket._response.connection
            assert connection is not None
            assert connection.transport is not None
            connection.transport.abort()
        resume = {RESUME_HEADER: f"{ready['resume_token']} 2"}
        async with connected_client(url, headers={**program(token)["headers"], **resume}) as client:
            resumed = await client.start(latency_ms=80)
            assert resumed["held"]["samples"] == 8000
            await client.end()
        # A stream that is not there is not resumed, and none is opened in its place.
        for number in ("0.no-such-stream", ready["resume_token"]):
            way = {"headers": {**program(token)["headers"], RESUME_HEADER: f"{number} 2"}}
            assert await opens(url, way) == 401


async def _refused(url: str, token: str) -> bool:
    return await opens(url, page(token)) == 401


async def test_a_token_that_has_ended_answers_no_question(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url, aiohttp.ClientSession() as http:
        token = await token_of(url, KEY, expires_in=1)
        await until(lambda: _refused(url, token))
        async with http.get(f"{url.replace('ws', 'http', 1)}/v1/models", **program(token)) as answer:
            assert (answer.status, "expired" in await answer.text()) == (401, True)


async def test_a_tokens_own_limits_hold(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url:
        token = await token_of(url, KEY, max_streams=1, max_stream_seconds=1)
        async with connected_client(url, **page(token)) as client:
            ready = await client.start(latency_ms=80)
            assert ready["limits"]["stream_seconds"] == 1.0
            assert await opens(url, page(token)) == 429
            assert await opens(url, page(await token_of(url, KEY, max_streams=1))) == 101  # another one has its own
            assert await opens(url, program(KEY)) == 101
            await client.send_audio(quiet(2.0))
            assert (await client.event("error"))["code"] == "stream_too_long"
        await until(lambda: _opens(url, token))


async def _opens(url: str, token: str) -> bool:
    return await opens(url, page(token)) == 101


async def test_the_keys_limits_hold_for_all_its_tokens(serve: Serve, keys: KeysFile) -> None:
    keys.add("page", max_streams=1)
    async with serve(keys_file=keys.path) as url:
        first, second = await token_of(url, KEY, max_streams=5), await token_of(url, KEY)
        async with connected_client(url, **page(first)) as client:
            await client.start()
            assert await opens(url, page(first)) == await opens(url, page(second)) == 429


async def test_a_revoked_key_takes_its_tokens_with_it(serve: Serve, keys: KeysFile) -> None:
    keys.add("page")
    async with serve(keys_file=keys.path) as url:
        token = await token_of(url, KEY)
        assert await opens(url, page(token)) == 101
        revoke_key(keys.path, "page")
        await until(lambda: _refused(url, token))


async def test_pages_of_other_origins_have_no_use_for_a_token(serve: Serve) -> None:
    async with serve(api_keys=(KEY,)) as url:
        way = page(await token_of(url, KEY)) | {"headers": {"Origin": "https://evil.example"}}
        assert await opens(url, way) == 403
        status, _ = await ask_for_token(url, KEY, headers={"Origin": "https://evil.example"})
        assert status == 403


async def test_a_server_without_keys_makes_tokens_too(serve: Serve) -> None:
    async with serve() as url:
        token = await token_of(url, max_streams=1)
        async with connected_client(url, **page(token)) as client:
            await client.start()
            assert await opens(url, page(token)) == 429
        assert await opens(url, page("at1.e30.e30")) == 101  # a wrong key opens such a server, too


async def test_a_request_that_cannot_be_is_refused_in_words(serve: Serve) -> None:
    async with serve(api_keys=(KEY,), header_seconds=1.0) as url:
        for body in ("{", {"expires_in": 3601}, {"admin": True}):
            status, refusal = await ask_for_token(url, KEY, body)
            assert (status, refusal["code"]) == (400, "invalid_field")
        assert (await ask_for_token(url, KEY, b" " * MOST_BYTES))[0] == 200
        status, refusal = await ask_for_token(url, KEY, b" " * (MOST_BYTES + 1))
        assert (status, refusal["code"]) == (413, "message_too_big")

        async def drip() -> Any:
            yield b"{"
            await asyncio.sleep(60)

        status, refusal = await ask_for_token(url, KEY, headers={}, expect100=True)
        assert status == 200
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{url.replace('ws', 'http', 1)}/v1/tokens", data=drip(), **program(KEY)) as answer,
        ):
            assert answer.status == 408


async def test_no_cache_keeps_a_token_and_no_other_method_makes_one(serve: Serve) -> None:
    async with serve() as url, aiohttp.ClientSession() as http:
        address = f"{url.replace('ws', 'http', 1)}/v1/tokens"
        async with http.post(address) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        async with http.get(address) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with http.get(f"{url.replace('ws', 'http', 1)}/metrics") as answer:
            assert 'auricle_key_tokens_total{key="anonymous"} 1.0' in await answer.text()
