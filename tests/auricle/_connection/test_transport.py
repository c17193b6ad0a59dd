from __future__ import annotations

import pytest

from auricle._connection.transport import stream_url, with_latency


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ws://host:8765", "ws://host:8765/v1/stream"),
        ("ws://host:8765/", "ws://host:8765/v1/stream"),
        ("http://host", "ws://host/v1/stream"),
        ("https://host/", "wss://host/v1/stream"),
        ("wss://host/v1/stream", "wss://host/v1/stream"),
        ("wss://host/v1/stream/", "wss://host/v1/stream"),
        ("https://host/speech", "wss://host/speech/v1/stream"),
        ("ws://[::1]:8765", "ws://[::1]:8765/v1/stream"),
        ("ws://host?tenant=7", "ws://host/v1/stream?tenant=7"),
    ],
)
def test_addresses(given: str, expected: str) -> None:
    assert stream_url(given) == expected


@pytest.mark.parametrize(
    ("given", "latency_ms", "expected"),
    [
        ("ws://host/v1/stream", None, "ws://host/v1/stream"),
        ("ws://host/v1/stream", 80, "ws://host/v1/stream?latency_ms=80"),
        ("wss://host:1/v1/stream?tenant=7", 1120, "wss://host:1/v1/stream?tenant=7&latency_ms=1120"),
    ],
)
def test_the_latency_is_named_before_the_upgrade(given: str, latency_ms: int | None, expected: str) -> None:
    assert with_latency(given, latency_ms) == expected


@pytest.mark.parametrize("bad", ["", "host:8765", "ftp://host", "ws://", "/v1/stream"])
def test_what_is_no_address(bad: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        stream_url(bad)
