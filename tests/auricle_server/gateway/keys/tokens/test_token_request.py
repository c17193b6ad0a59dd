"""What a request for a token may say."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.keys.tokens.token_claims import LONGEST_SECONDS
from auricle_server.gateway.keys.tokens.token_request import TokenRequest

FIELDS = st.sampled_from(("expires_in", "max_streams", "max_stream_seconds")) | st.text()
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    FIELDS, st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([])
)


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


@given(st.binary() | OBJECTS)
def test_no_body_breaks_the_reader(value: Any) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    with suppress(BadRequest):
        assert 1 <= TokenRequest.read(body).expires_in <= LONGEST_SECONDS


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"expires_in=60", b"NaN"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="no JSON"):
        TokenRequest.read(body)
