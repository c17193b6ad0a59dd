"""The upgrade request of Flux, on a real server with the two-tone model."""

from __future__ import annotations

import aiohttp
import pytest
from multidict import CIMultiDict, MultiDict

from auricle_server.gateway.dialects.flux import FluxEndpoint
from auricle_server.gateway.errors import BadRequest, TooManyStreams
from tests.auricle_server.gateway.conftest import Serve

URL = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000"


async def test_the_answer_names_the_request(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(url + URL) as socket:
        connected = await socket.receive_json(timeout=10)
        assert connected["type"] == "Connected"
        assert socket._response.headers["dg-request-id"] == connected["request_id"]


@pytest.mark.parametrize("more", ["&eot_threshold=7", "&latency_ms=81", "&sample_rate=x", "&encoding=speex"])
async def test_a_request_that_cannot_be_is_refused_in_words(url: str, more: str) -> None:
    query = URL.replace("&encoding=linear16", "").replace("&sample_rate=16000", "")
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(url + query + more)
    assert refused.value.status == 400
    assert refused.value.headers is not None
    assert more[1:].partition("=")[0] in refused.value.headers["dg-error"]
    assert refused.value.headers["dg-request-id"]


async def test_a_key_may_be_a_subprotocol(serve: Serve) -> None:
    async with serve(api_keys=("one",)) as url, aiohttp.ClientSession() as http:
        async with http.ws_connect(url + URL, protocols=("token", "one")) as socket:
            assert socket.protocol == "token"
            assert (await socket.receive_json(timeout=10))["type"] == "Connected"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(url + URL, protocols=("token", "two"))
        assert refused.value.status == 401


def test_a_key_that_has_its_streams_is_told_to_come_back() -> None:
    answer = FluxEndpoint().refuse(TooManyStreams("two streams are open"))
    assert answer.status == 503
    assert answer.headers["dg-error"] == "TOO_MANY_STREAMS: two streams are open"


def test_a_request_is_read_before_the_model_is_known() -> None:
    opening = FluxEndpoint().open(MultiDict(model="flux-general-en"), CIMultiDict(), None)
    assert opening.start is not None
    assert opening.start.language is None
    with pytest.raises(BadRequest, match="eot_threshold"):
        FluxEndpoint().open(MultiDict(eot_threshold="x"), CIMultiDict(), None)
