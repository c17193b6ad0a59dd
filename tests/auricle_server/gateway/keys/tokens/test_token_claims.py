"""When a token ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from auricle_server.gateway.keys.tokens.token_claims import TokenClaims


def test_a_token_ends_at_its_second() -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    claims = TokenClaims(key="a", fingerprint="", identity="", expires=int(end.timestamp()))
    assert claims.expires_at == end
    assert not claims.expired(end - timedelta(milliseconds=1))
    assert claims.expired(end)
