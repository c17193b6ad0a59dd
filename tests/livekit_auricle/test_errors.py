"""Errors as LiveKit's session understands them."""

from __future__ import annotations

import pytest
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from auricle.errors import AuricleError, ConnectionFailed, ProtocolError, Refused, ServerFull, StreamFailed
from livekit.plugins.auricle._errors import api_error, only_api_errors


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (ConnectionFailed("timeout", "no answer"), APITimeoutError, True),
        (ConnectionFailed("lost", "it broke"), APIConnectionError, True),
        (ConnectionFailed("tls", "no certificate", permanent=True), APIConnectionError, False),
        (ProtocolError("bad_audio", "half a sample"), APIError, False),
        (Refused(403, "another key"), APIStatusError, False),
        (ServerFull(), APIStatusError, True),
        (StreamFailed("internal", "server", "a bug"), APIStatusError, True),
        (StreamFailed("bad_audio", "client", "half a sample"), APIStatusError, False),
    ],
)
def test_an_error_is_retryable_unless_that_is_pointless(
    error: AuricleError, kind: type[APIError], retryable: bool
) -> None:
    made = api_error(error)
    assert (type(made), made.retryable) == (kind, retryable)
    assert str(error) in str(made)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused(401, "no key"), 401),
        (ServerFull(), 503),
        (StreamFailed("internal", "server", "a bug"), 500),
        (StreamFailed("bad_audio", "client", "half a sample"), 400),
    ],
)
def test_a_status_is_that_of_http(error: AuricleError, status: int) -> None:
    made = api_error(error)
    assert isinstance(made, APIStatusError)
    assert made.status_code == status


@pytest.mark.parametrize("error", [KeyError("a bug"), ServerFull(), APITimeoutError()])
def test_no_other_exception_gets_out(error: Exception) -> None:
    with pytest.raises(APIError) as raised, only_api_errors():
        raise error
    assert raised.value is error or raised.value.__cause__ is error
