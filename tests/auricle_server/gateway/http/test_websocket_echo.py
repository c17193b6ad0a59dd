"""What a client sends comes back in no error at length, and no answer tells where things lie on the server."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.auricle_server.raw_client import connected_client
from tests.support.tones import CHECKPOINT

DIGITS = "7" * 4000
LETTERS = "x" * 100_000
LONG = {
    "a latency": f'{{"type":"start","latency_ms":{DIGITS}}}',
    "a negative latency": f'{{"type":"start","latency_ms":-{DIGITS}}}',
    "a rate": f'{{"type":"start","sample_rate":{DIGITS}}}',
    "a version": f'{{"type":"start","version":{DIGITS}}}',
    "a silence": f'{{"type":"start","turn":{{"silence_ms":{DIGITS}}}}}',
    "an eager silence": f'{{"type":"start","turn":{{"eager_silence_ms":{DIGITS}}}}}',
    "a threshold": f'{{"type":"start","turn":{{"end_threshold":{DIGITS}}}}}',
    "a number of 5,000 digits": f'{{"type":"start","latency_ms":{DIGITS}{DIGITS}}}',
    "a language": f'{{"type":"start","language":"{LETTERS}"}}',
    "an encoding": f'{{"type":"start","encoding":"{LETTERS}"}}',
    "a turn mode": f'{{"type":"start","turn":{{"mode":"{LETTERS}"}}}}',
    "a second pass": f'{{"type":"start","refine":"{LETTERS}"}}',
    "a key term": f'{{"type":"start","keyterms":["{LETTERS}"]}}',
    "a list that is none": f'{{"type":"start","keyterms":"{LETTERS}"}}',
    "a field": f'{{"type":"start","{LETTERS}":1}}',
    "a field within another": f'{{"type":"start","turn":{{"{LETTERS}":1}}}}',
    "a type": f'{{"type":"{LETTERS}"}}',
    "no JSON": LETTERS,
    "brackets": "[" * 100_000,
}


@pytest.mark.parametrize("name", LONG)
async def test_no_value_comes_back_at_length(url: str, name: str) -> None:
    async with connected_client(url) as client:
        await client.socket.send_str(LONG[name])
        error = (await client.rest())[-1]
        assert error["type"] == "error"
        assert len(json.dumps(error)) < 1500, error
        assert DIGITS[:100] not in error["message"]
        assert LETTERS[:100] not in error["message"]


async def test_an_update_is_answered_as_briefly(url: str) -> None:
    async with connected_client(url) as client:
        await client.start()
        await client.send(type="update", latency_ms=int(DIGITS))
        assert len((await client.event())["message"]) < 500


async def test_unwritable_key_terms_are_named_briefly(url: str) -> None:
    async with connected_client(url) as client:
        await client.start(keyterms=["\U0001f600" * 100] * 10)
        notice = await client.event("error")
        assert len(notice["message"]) < 1100


async def test_the_models_folder_is_not_told(url: str) -> None:
    async with connected_client(url) as client, aiohttp.ClientSession() as http:
        ready = await client.start()
        assert ready["model"] == CHECKPOINT.name
        for path in ("/readyz", "/metrics", "/healthz"):
            async with http.get(url.replace("ws", "http", 1) + path) as answer:
                assert str(CHECKPOINT.parent) not in await answer.text()
        await client.end()
        assert str(CHECKPOINT.parent) not in json.dumps(client.events)
