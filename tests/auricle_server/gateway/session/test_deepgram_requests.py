"""Keys and refusals as Deepgram's clients have them."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from auricle.protocol import codes
from auricle_server.gateway.errors import AtCapacity, TooManyStreams, TooManyWrongKeys, Unauthorized
from auricle_server.gateway.session.deepgram_requests import authorization, close_code, key_subprotocol, refusal_answer


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"Authorization": "Token K"}, "Bearer K"),
        ({"Authorization": "token  K "}, "Bearer K"),
        ({"Authorization": "Bearer K"}, "Bearer K"),
        ({"Authorization": "Basic K"}, "Basic K"),
        ({"Sec-WebSocket-Protocol": "token, K"}, "Bearer K"),
        ({"Sec-WebSocket-Protocol": "bearer,K"}, "Bearer K"),
        ({"Sec-WebSocket-Protocol": "token"}, None),
        ({"Sec-WebSocket-Protocol": "chat, K"}, None),
    ],
)
def test_a_key_is_found_where_clients_put_it(headers: dict[str, str], key: str | None) -> None:
    assert authorization(CIMultiDict(headers)) == key


def test_a_subprotocol_is_answered_when_it_is_the_key() -> None:
    assert key_subprotocol(CIMultiDict({"Sec-WebSocket-Protocol": "Bearer, K"})) == "Bearer"
    assert key_subprotocol(CIMultiDict({"Authorization": "Token K"})) == ""


def test_a_refusal_says_why_and_when_to_come_back() -> None:
    full = refusal_answer(AtCapacity("all slots are taken"))
    assert (full.status, full.body["err_code"], full.body["err_msg"]) == (None, "SERVER_FULL", "all slots are taken")
    assert full.headers["dg-request-id"] == full.body["request_id"]
    assert refusal_answer(TooManyStreams("two are open")).status == 503
    assert refusal_answer(TooManyWrongKeys(9)).status == 503
    assert refusal_answer(Unauthorized("wrong key")).status is None


@pytest.mark.parametrize(
    ("code", "closed"),
    [
        (None, 1000),
        (codes.SHUTTING_DOWN, 1011),
        (codes.IDLE_TIMEOUT, 1011),
        (codes.BAD_AUDIO, 1008),
        (codes.MESSAGE_TOO_BIG, 1009),
    ],
)
def test_close_codes(code: str | None, closed: int) -> None:
    assert close_code(code) == closed
