"""The upgrade request: keys, headers, and refusals as Deepgram's clients expect them."""

from __future__ import annotations

import aiohttp
import pytest
from multidict import CIMultiDict, MultiDict

from auricle_server.gateway.dialects.deepgram_listen.listen_endpoint import ListenEndpoint
from tests.auricle_server.gateway.conftest import Serve

ENDPOINT = ListenEndpoint()
NONE: MultiDict[str] = MultiDict()


def test_an_opening_names_the_request_and_what_is_not_served() -> None:
    headers = CIMultiDict({"Sec-WebSocket-Protocol": "token, K"})
    opening = ENDPOINT.open(MultiDict(diarize="true", search="x"), headers, None)
    assert opening.subprotocol == "token"
    assert set(opening.headers) == {"dg-request-id", "Auricle-Unserved"}
    assert opening.headers["Auricle-Unserved"] == "diarize, search"
    again = ENDPOINT.open(NONE, CIMultiDict(), None)
    assert again.headers["dg-request-id"] != opening.headers["dg-request-id"]
    assert again.subprotocol == ""


async def refused(url: str, query: str, **headers: str) -> aiohttp.WSServerHandshakeError:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/listen{query}", headers=headers):
            pass
    return error.value


async def test_refusals_on_the_wire(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        wrong = await refused(url, "", Authorization="Token wrong")
        assert wrong.status == 401
        assert wrong.headers is not None
        assert "WWW-Authenticate" in wrong.headers
        for query in ("?encoding=nonsense", "?language=xx", "?latency_ms=81"):
            bad = await refused(url, query, Authorization="Token right")
            assert bad.status == 400
            assert bad.headers is not None
            assert {"dg-error", "dg-request-id"} <= set(bad.headers)
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{url}/v1/listen?diarize=true", protocols=["bearer", "right"]) as socket,
        ):
            assert socket.protocol == "bearer"
            assert socket._response.headers["Auricle-Unserved"] == "diarize"


async def test_a_full_server_says_when_to_come_back(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        held = [await http.ws_connect(f"{url}/v1/listen") for _ in range(6)]
        full = await refused(url, "")
        assert full.status == 503
        assert full.headers is not None
        assert int(full.headers["Retry-After"]) >= 1
        for socket in held:
            await socket.close()
