"""Refusals as programs for OpenAI's API know them."""

from __future__ import annotations

import pytest

from auricle_server.gateway.errors import AtCapacity, BadRequest, Refusal, TooManyStreams, Unauthorized
from auricle_server.gateway.session.openai_errors import refusal_answer


@pytest.mark.parametrize(
    ("refusal", "kind", "code"),
    [
        (AtCapacity("full"), "server_error", "server_full"),
        (BadRequest("wrong"), "invalid_request_error", "invalid_field"),
        (Unauthorized("no"), "invalid_request_error", "invalid_api_key"),
        (TooManyStreams("many"), "rate_limit_error", "rate_limit_exceeded"),
    ],
)
def test_each_refusal_has_its_type_and_code(refusal: Refusal, kind: str, code: str) -> None:
    answer = refusal_answer(refusal)
    assert answer.status is None
    assert answer.body == {"error": {"message": refusal.message, "type": kind, "param": None, "code": code}}
