"""The header with the key, and addresses that try keys."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import TooManyWrongKeys, Unauthorized
from auricle_server.gateway.keys.api_key import ANONYMOUS, ApiKey, digest_of
from auricle_server.gateway.keys.authenticator import UNGUESSABLE, Authenticator
from auricle_server.gateway.keys.key_store import KeyStore
from auricle_server.gateway.keys.keys_file_edit import add_key
from auricle_server.gateway.keys.shared_counts import SharedCounts
from auricle_server.gateway.keys.tokens.token_mint import TokenMint
from auricle_server.gateway.keys.wrong_keys import MOST_WRONG, WrongKeys

LONG = "x" * UNGUESSABLE


def authenticator(*api_keys: str, keys_file: str | None = None) -> Authenticator:
    config = ServerConfig(api_keys=api_keys, keys_file=keys_file)
    store = KeyStore(config)
    return Authenticator(store, WrongKeys(SharedCounts()), TokenMint(store, None))


@pytest.mark.parametrize("header", [None, "", "Bearer x"])
def test_without_keys_every_client_may_connect(header: str | None) -> None:
    assert authenticator().check(header, "10.0.0.1") == ANONYMOUS


@pytest.mark.parametrize("header", ["Bearer one", "bearer one ", "Bearer zwölf"])
def test_a_known_key_opens(header: str) -> None:
    assert authenticator("one", "zwölf").check(header, "10.0.0.1").name.startswith("api-key-")


@pytest.mark.parametrize("header", [None, "", "one", "Bearer", "Bearer ", "Basic one", "Bearer on", "Bearer \udcff"])
def test_anything_else_does_not(header: str | None) -> None:
    with pytest.raises(Unauthorized) as refused:
        authenticator("one", "zwölf").check(header, "10.0.0.1")
    assert "one" not in refused.value.message.split()


def test_a_key_that_has_expired_says_so(tmp_path: Path) -> None:
    path, past = str(tmp_path / "keys.toml"), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    add_key(path, ApiKey(name="old", digest=digest_of("old"), expires=past), past)
    with pytest.raises(Unauthorized, match="the API key old has expired"):
        authenticator(keys_file=path).check("Bearer old", "10.0.0.1")


def try_wrong_keys(checker: Authenticator, address: str = "10.0.0.1") -> None:
    for number in range(MOST_WRONG):
        with pytest.raises(Unauthorized):
            checker.check(f"Bearer wrong-{number}", address)


def test_who_tries_keys_is_no_longer_told_whether_one_was_right() -> None:
    checker = authenticator("one", LONG)
    try_wrong_keys(checker)
    for header in ("Bearer wrong", "Bearer one"):
        with pytest.raises(TooManyWrongKeys) as refused:
            checker.check(header, "10.0.0.1")
        assert refused.value.status == 429
        assert refused.value.retry_after is not None
        assert 55 <= refused.value.retry_after <= 65
    assert checker.check("Bearer one", "10.0.0.2").name == "api-key-1", "another address is unaffected"


def test_nobody_is_locked_out_by_others_at_the_same_address() -> None:
    checker = authenticator("one", LONG)
    checker.check("Bearer one", "10.0.0.1")
    try_wrong_keys(checker)
    assert checker.check("Bearer one", "10.0.0.1").name == "api-key-1", "it has been right from there before"
    assert checker.check(f"Bearer {LONG}", "10.0.0.1").name == "api-key-2", "nobody guesses it"


def test_a_request_without_a_key_tries_none() -> None:
    checker = authenticator("one")
    for _ in range(2 * MOST_WRONG):
        with pytest.raises(Unauthorized):
            checker.check(None, "10.0.0.1")
    assert checker.check("Bearer one", "10.0.0.1").name == "api-key-1"
