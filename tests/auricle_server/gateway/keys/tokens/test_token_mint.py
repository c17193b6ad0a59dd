"""Tokens of keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import KeysUnreadable, NoTokenForToken, Unauthorized
from auricle_server.gateway.keys.api_key import ANONYMOUS, ApiKey, digest_of
from auricle_server.gateway.keys.key_store import KeyStore
from auricle_server.gateway.keys.keys_file_edit import add_key, revoke_key
from auricle_server.gateway.keys.tokens.token_mint import TokenMint
from auricle_server.gateway.keys.tokens.token_request import TokenRequest
from auricle_server.gateway.keys.tokens.token_signer import InvalidToken

NOW = datetime(2026, 11, 30, 12, 0, 0, 500_000, tzinfo=UTC)
SECRET = "s" * 32


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "keys.toml")
    add_key(path, ApiKey(name="page", digest=digest_of("secret"), max_streams=3), NOW)
    return path


def mint_of(path: str | None, secret: str | None = SECRET) -> tuple[TokenMint, KeyStore]:
    store = KeyStore(ServerConfig(keys_file=path))
    return TokenMint(store, secret), store


def minted(mint: TokenMint, store: KeyStore, **asked: int) -> str:
    key = store.find("secret")
    assert key is not None
    return mint.mint(key, TokenRequest(**asked), NOW)[0]


def test_a_token_is_its_key_with_its_own_limits(path: str) -> None:
    mint, store = mint_of(path)
    key = mint.key_of(minted(mint, store, expires_in=10, max_streams=2, max_stream_seconds=5))
    assert replace(key, token=None) == store.find("secret")
    assert key.token is not None
    assert (key.token.max_streams, key.token.max_stream_seconds) == (2, 5)
    assert key.token.expired(NOW + timedelta(seconds=10))
    assert not key.token.expired(NOW + timedelta(seconds=9))


def test_no_two_tokens_are_the_same(path: str) -> None:
    mint, store = mint_of(path)
    assert len({minted(mint, store) for _ in range(100)}) == 100


def test_a_token_tells_neither_the_key_nor_its_hash(path: str) -> None:
    mint, store = mint_of(path)
    claims = mint.key_of(minted(mint, store)).token
    assert claims is not None
    assert claims.fingerprint not in digest_of("secret").hex()
    assert "secret" not in str(claims)


def test_a_token_mints_no_token(path: str) -> None:
    mint, store = mint_of(path)
    with pytest.raises(NoTokenForToken):
        mint.mint(mint.key_of(minted(mint, store)), TokenRequest(), NOW)


def test_a_token_ends_with_its_key(tmp_path: Path) -> None:
    path, end = str(tmp_path / "keys.toml"), NOW + timedelta(seconds=7)
    add_key(path, ApiKey(name="short", digest=digest_of("secret"), expires=end), NOW)
    mint, store = mint_of(path)
    claims = mint.key_of(minted(mint, store, expires_in=60)).token
    assert claims is not None
    assert claims.expires_at == end.replace(microsecond=0)


def test_a_revoked_key_takes_its_tokens_with_it(path: str) -> None:
    mint, store = mint_of(path)
    token = minted(mint, store)
    revoke_key(path, "page")
    store.reload()
    with pytest.raises(Unauthorized, match="no longer in force"):
        mint.key_of(token)
    add_key(path, ApiKey(name="page", digest=digest_of("another")), NOW)  # of the same name, and not the same
    store.reload()
    with pytest.raises(Unauthorized, match="no longer in force"):
        mint.key_of(token)


def test_new_limits_of_a_key_hold_for_its_tokens(path: str) -> None:
    mint, store = mint_of(path)
    token = minted(mint, store)
    revoke_key(path, "page")
    add_key(path, ApiKey(name="page", digest=digest_of("secret"), max_streams=1), NOW)
    store.reload()
    assert mint.key_of(token).max_streams == 1


def test_servers_with_one_secret_accept_each_others_tokens(path: str) -> None:
    mint, store = mint_of(path)
    token = minted(mint, store)
    assert mint_of(path)[0].key_of(token).name == "page"
    for secret in ("t" * 32, None):
        with pytest.raises(InvalidToken):
            mint_of(path, secret)[0].key_of(token)
    with pytest.raises(InvalidToken):
        mint_of(path, None)[0].key_of(minted(*mint_of(path, None)))  # each draws its own


def test_a_server_without_keys_makes_tokens_that_open_no_server_with_keys(path: str) -> None:
    mint, _ = mint_of(None)
    token, claims = mint.mint(ANONYMOUS, TokenRequest(max_streams=1), NOW)
    assert mint.key_of(token) == replace(ANONYMOUS, token=claims)
    with pytest.raises(Unauthorized):
        mint_of(path)[0].key_of(token)


def test_a_server_that_cannot_read_its_keys_says_so(path: str, tmp_path: Path) -> None:
    mint, store = mint_of(path)
    token = minted(mint, store)
    with pytest.raises(KeysUnreadable):
        mint_of(str(tmp_path / "missing.toml"))[0].key_of(token)
