"""What an answer over HTTP says of one recording, and what of all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from auricle_server.bench.quality.recognisers.http_answers import answer_of, http_session
from auricle_server.bench.quality.recognisers.interface import RecogniserFailed, RecordingFailed

ANSWERS = {
    "/right": (200, '{"a":1}'),
    "/list": (200, "[]"),
    "/none": (200, "hello"),
    "/bad": (400, "x"),
    "/no": (403, ""),
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        status, body = ANSWERS[request.path]
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_get("/{path}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize("path", ["/list", "/none", "/bad"])
async def test_what_is_wrong_with_one_answer_fails_one_recording(url: str, path: str) -> None:
    async with http_session({}) as session:
        assert await answer_of(session, "GET", url + "/right") == {"a": 1}
        with pytest.raises(RecordingFailed, match=path):
            await answer_of(session, "GET", url + path)


async def test_a_server_that_refuses_its_client_is_of_no_use(url: str) -> None:
    async with http_session({}) as session:
        with pytest.raises(RecogniserFailed, match="answered 403"):
            await answer_of(session, "GET", url + "/no")
        with pytest.raises(RecogniserFailed, match="cannot reach"):
            await answer_of(session, "GET", "http://127.0.0.1:9/right")
