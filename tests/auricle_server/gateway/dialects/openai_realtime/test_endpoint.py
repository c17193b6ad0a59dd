"""The upgrade request of OpenAI's realtime transcription, on a real server."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, MultiDict

from auricle.protocol.client_messages import Start
from auricle_server.gateway.dialects.openai_realtime import RealtimeEndpoint
from auricle_server.gateway.errors import BadRequest, TooManyStreams
from auricle_server.gateway.session.dialect import ChooseModel
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.leases import INFO

URL = "/v1/realtime?intent=transcription"


async def test_the_session_comes_first(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(url + URL + "&model=whisper") as socket:
        created = await socket.receive_json(timeout=10)
        assert created["type"] == "session.created"
        assert created["session"]["audio"]["input"]["transcription"]["model"] == "whisper"


async def test_the_older_shape_has_its_header(url: str) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url + URL, headers={"OpenAI-Beta": "realtime=v1"}) as socket,
    ):
        assert (await socket.receive_json(timeout=10))["type"] == "transcription_session.created"


async def test_a_key_may_be_a_subprotocol(serve: Serve) -> None:
    async with serve(api_keys=("one",)) as url, aiohttp.ClientSession() as http:
        protocols = ("realtime", "openai-insecure-api-key.one")
        async with http.ws_connect(url + URL, protocols=protocols) as socket:
            assert socket.protocol == "realtime"
            assert (await socket.receive_json(timeout=10))["type"] == "session.created"
        for headers in ({}, {"Authorization": "Bearer two"}, {"api-key": "two"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(url + URL, headers=headers)
            assert refused.value.status == 401
        async with http.ws_connect(url + URL, headers={"api-key": "one"}) as socket:
            assert (await socket.receive_json(timeout=10))["type"] == "session.created"


@pytest.mark.parametrize("latency", ["x", "-1", "1.5"])
async def test_a_latency_that_is_no_number_is_refused_in_words(url: str, latency: str) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            url.replace("ws", "http", 1) + URL + f"&latency_ms={latency}",
            headers={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
        ) as answer,
    ):
        assert answer.status in {400, 426}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with aiohttp.ClientSession() as http:
            await http.ws_connect(url + URL + f"&latency_ms={latency}")
    assert refused.value.status == 400


@pytest.mark.parametrize("first", [{"session": {"turn_detection": None}}, {"model": "vLLM"}], ids=["OpenAI", "vLLM"])
def test_numbers_are_written_as_people_do_unless_they_shall_not(first: dict[str, Any]) -> None:
    def start(**query: str) -> Start:
        dialect = RealtimeEndpoint().open(MultiDict(query), CIMultiDict(), None).dialect
        begun, *_ = dialect.receive_text(json.dumps({"type": "session.update", **first}))
        if isinstance(begun, ChooseModel):
            [begun] = begun.begin(INFO)
        assert isinstance(begun, Start)
        return begun

    assert start().text_format.numbers == "smart"
    assert start(numerals="false").text_format.numbers == "words"
    with pytest.raises(BadRequest, match="numerals: expected true or false"):
        start(numerals="some")


def test_a_refusal_is_worded_as_openai_words_it() -> None:
    answer = RealtimeEndpoint().refuse(TooManyStreams("two are open"))
    assert answer.body["error"]["message"] == "two are open"


def test_a_request_is_read_before_the_model_is_known() -> None:
    opening = RealtimeEndpoint().open(MultiDict(latency_ms="160"), CIMultiDict(), None)
    assert opening.start is None
    assert len(opening.greeting) == 1
