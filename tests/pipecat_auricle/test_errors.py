"""The category decides whether Pipecat keeps a service."""

from __future__ import annotations

import pytest
from pipecat.utils.errors import ErrorCategory

from auricle.errors import ConnectionFailed, ProtocolError, Refused, ServerFull, StreamFailed
from pipecat_auricle.errors import category_of


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (Refused(401, "no key"), ErrorCategory.AUTHENTICATION),
        (Refused(403, "another key"), ErrorCategory.AUTHORIZATION),
        (ServerFull(1.0), ErrorCategory.RATE_LIMIT),
        (ConnectionFailed("lost", "gone"), ErrorCategory.CONNECTIVITY),
        (ProtocolError("bad_audio", "half a sample"), ErrorCategory.INVALID_REQUEST),
        (StreamFailed("unsupported_language", "client", "no xx"), ErrorCategory.INVALID_REQUEST),
        (StreamFailed("internal", "server", "a bug"), ErrorCategory.SERVER),
        (KeyError("a bug"), None),
    ],
)
def test_each_error_has_its_category(error: Exception, category: ErrorCategory | None) -> None:
    assert category_of(error) is category
