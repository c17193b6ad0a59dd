"""What a request for a token may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.keys.tokens.token_request import TokenRequest


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"max_streams": null}'])
def test_a_request_that_says_nothing_gets_a_minute(body: bytes) -> None:
    assert TokenRequest.read(body) == TokenRequest(60, None, None)


def test_all_that_can_be_asked_for_is_read() -> None:
    body = b'{"expires_in": 3600, "max_streams": 2, "max_stream_seconds": 600}'
    assert TokenRequest.read(body) == TokenRequest(3600, 2, 600)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 3601}, "expires_in"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": "60"}, "expires_in"),
        ({"expires_in": 10**400}, "expires_in"),
        ({"max_streams": 0}, "max_streams"),
        ({"max_stream_seconds": [1]}, "max_stream_seconds"),
        ({"admin": True}, "unknown field 'admin'"),
        ([], "no JSON object"),
        ("text", "no JSON object"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_what_cannot_be_is_named(values: Any, named: str) -> None:
    with pytest.raises(BadRequest, match=named):
        TokenRequest.read(json.dumps(values).encode())


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"expires_in=60", b"NaN"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="no JSON"):
        TokenRequest.read(body)
