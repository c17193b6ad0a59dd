"""What is read of a call of gRPC."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from auricle_server.gateway.http.riva.call_log import call_address, metadata_value, metadata_values


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.1:5", "10.0.0.1"),
        ("ipv6:[::1]:5", "::1"),
        ("ipv6:%5B::1%5D:5", "::1"),
        ("unix:/tmp/x", None),
        ("", None),
    ],
)
def test_the_address_of_a_peer(peer: str, address: str | None) -> None:
    assert call_address(SimpleNamespace(peer=lambda: peer)) == address


def test_metadata_that_is_no_text_is_ignored() -> None:
    context = SimpleNamespace(invocation_metadata=lambda: (("a", b"x"), ("a", "y"), ("a", "z"), ("b", "w")))
    assert metadata_values(context, "a") == ["y", "z"]
    assert metadata_value(context, "a") == "y"
    assert metadata_value(SimpleNamespace(invocation_metadata=lambda: None), "a") is None
