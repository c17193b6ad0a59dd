"""What a key may be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from auricle_server.gateway.keys.api_key import ApiKey, digest_of, generate_secret

NOON = dt.datetime(2027, 1, 31, 12, tzinfo=dt.UTC)


def test_secrets_differ_and_are_long() -> None:
    secrets = {generate_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("auricle_") and len(secret) > 48 for secret in secrets)


def test_a_key_does_not_show_its_hash() -> None:
    digest = digest_of("secret")
    assert len(digest) == 32
    assert repr(digest) not in repr(ApiKey(name="one", digest=digest))


def test_a_key_expires_at_its_time() -> None:
    key = ApiKey(name="one", digest=b"", expires=NOON)
    assert not key.expired(NOON - dt.timedelta(seconds=1))
    assert key.expired(NOON)
    assert not ApiKey(name="one", digest=b"").expired(NOON)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a b"),
        ("name", "-a"),
        ("name", "a" * 65),
        ("name", "a\n"),
        ("name", "ä"),
        ("max_streams", 0),
        ("max_streams", -1),
        ("max_streams", 10**30),
        ("max_new_streams_per_minute", 0),
        ("allowed_origins", ("https://a.example/page",)),
        ("allowed_origins", ("a.example",)),
        ("expires", NOON.replace(tzinfo=None)),
    ],
)
def test_what_no_key_can_have_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}: expected"):
        ApiKey(**{"name": "one", "digest": b"", field: value})
