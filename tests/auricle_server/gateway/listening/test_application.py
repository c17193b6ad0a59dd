"""Requests for which there is no route, and what holds for all."""

from __future__ import annotations

import aiohttp
import pytest

from tests.auricle_server.gateway.conftest import Serve


async def test_a_path_that_is_none_is_refused_in_words(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/v2/stream") as answer:
        refusal = await answer.json()
        assert (answer.status, refusal["code"]) == (404, "not_found")
        assert "/v1/stream" in refusal["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
async def test_a_method_that_is_none_is_refused_in_words(url: str, method: str) -> None:
    address = url.replace("ws", "http", 1) + "/healthz"
    async with aiohttp.ClientSession() as http, http.request(method, address, data=b"body") as answer:
        if method != "BREW":  # aiohttp's parser knows no such method, and answers before there is a route
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
            assert (await answer.json())["code"] == "method_not_allowed"
        assert answer.status in {400, 405}


async def test_head_is_answered_like_get(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.head(url.replace("ws", "http", 1) + "/healthz") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_a_client_that_asks_before_it_sends_a_body_has_its_answer(serve: Serve) -> None:
    async with serve() as url, aiohttp.ClientSession() as http:
        address = url.replace("ws", "http", 1) + "/healthz"
        async with http.post(address, data=b"body", expect100=True) as answer:
            assert answer.status == 405
