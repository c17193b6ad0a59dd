"""Signed tokens: what is read is what was signed, and nothing else is read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.gateway.keys.tokens.token_claims import TokenClaims
from auricle_server.gateway.keys.tokens.token_signer import InvalidToken, TokenSigner

SECRET = b"s" * 32
CLAIMS = TokenClaims(key="page", fingerprint="0123456789abcdef", identity="abc", expires=2_000_000_000)
TOKEN = TokenSigner(SECRET).sign(CLAIMS)


@pytest.mark.parametrize(
    "claims",
    [
        CLAIMS,
        TokenClaims(key="a", fingerprint="", identity="", expires=1, max_streams=2, max_stream_seconds=60),
    ],
)
def test_what_was_signed_is_read(claims: TokenClaims) -> None:
    assert TokenSigner(SECRET).read(TokenSigner(SECRET).sign(claims)) == claims


def test_a_token_fits_into_a_header_and_into_the_name_of_a_subprotocol() -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+", TOKEN)
    assert len(TOKEN) < 400
    assert TokenSigner.is_token(TOKEN)
    assert not TokenSigner.is_token("auricle_" + "x" * 43)


def test_a_token_of_another_secret_is_none() -> None:
    with pytest.raises(InvalidToken):
        TokenSigner(b"t" * 32).read(TOKEN)


@given(at=st.integers(0, len(TOKEN) - 1), character=st.sampled_from(string.ascii_letters + string.digits + "-_.="))
def test_a_token_with_one_other_character_is_none(at: int, character: str) -> None:
    altered = TOKEN[:at] + character + TOKEN[at + 1 :]
    if altered != TOKEN:
        with pytest.raises(InvalidToken):
            TokenSigner(SECRET).read(altered)


@pytest.mark.parametrize("more", ["=", "A", ".", " ", "\n", "é"])
def test_a_token_has_one_spelling(more: str) -> None:
    for text in (TOKEN + more, more + TOKEN):
        with pytest.raises(InvalidToken):
            TokenSigner(SECRET).read(text)


@given(st.text() | st.text().map("at1.".__add__))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(InvalidToken):
        TokenSigner(SECRET).read(text)


def test_what_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(InvalidToken):
        TokenSigner(SECRET).read("at1." + "a" * 1_000_000 + ".b")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("key", [SECRET, b""])
def test_a_signature_that_the_secret_makes_for_another_purpose_is_none(key: bytes) -> None:
    signed = f"at1.{encoded(json.dumps({'key': 'page', 'expires': 2_000_000_000}).encode())}"
    with pytest.raises(InvalidToken):
        TokenSigner(SECRET).read(f"{signed}.{encoded(hmac.digest(key, signed.encode(), hashlib.sha256))}")


def test_the_claims_of_another_token_do_not_go_with_a_signature() -> None:
    other = TokenSigner(SECRET).sign(TokenClaims(key="admin", fingerprint="", identity="", expires=1))
    with pytest.raises(InvalidToken):
        TokenSigner(SECRET).read(f"{other.rpartition('.')[0]}.{TOKEN.rpartition('.')[2]}")
