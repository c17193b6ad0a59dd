"""Dialects are named before an address."""

from __future__ import annotations

import pytest

from auricle_server.bench.quality.recognisers.dialects import UnknownDialect, split_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ws://host:8765", ("native", "ws://host:8765")),
        ("native=ws://host:8765", ("native", "ws://host:8765")),
        ("wss://host/v1/stream?zone=eu", ("native", "wss://host/v1/stream?zone=eu")),
        ("native=wss://host/?zone=eu", ("native", "wss://host/?zone=eu")),
        ("openai=http://host:8000/v1?model=x", ("openai", "http://host:8000/v1?model=x")),
        ("deepgram=wss://host", ("deepgram", "wss://host")),
    ],
)
def test_without_a_name_it_is_the_native_one(address: str, expected: tuple[str, str]) -> None:
    assert split_address(address) == expected


def test_an_unknown_dialect_is_refused_in_words() -> None:
    expected = r"'riva' is no dialect .* use native or deepgram or openai, as in native=ws://host:8765"
    with pytest.raises(UnknownDialect, match=expected):
        split_address("riva=grpc://api.example.com")
