"""Makes tokens of keys, and finds the keys of tokens again."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from auricle_server.gateway.errors import NoTokenForToken, Unauthorized
from auricle_server.gateway.keys.api_key import ANONYMOUS, ApiKey, digest_of
from auricle_server.gateway.keys.key_store import KeyStore
from auricle_server.gateway.keys.tokens.token_claims import TokenClaims
from auricle_server.gateway.keys.tokens.token_request import TokenRequest
from auricle_server.gateway.keys.tokens.token_signer import TokenSigner

# 96 bits: no two tokens of a server share one.
_IDENTITY_BYTES = 12
_FINGERPRINT_CHARACTERS = 16


class TokenMint:
    """The tokens of one server.

    Args:
        store: Its keys.
        secret: Signs; shared by all its gateways. None draws one, for a gateway that is alone.
    """

    def __init__(self, store: KeyStore, secret: str | None) -> None:
        self._store = store
        self._signer = TokenSigner(secrets.token_bytes() if secret is None else secret.encode())

    def mint(self, key: ApiKey, request: TokenRequest, now: datetime) -> tuple[str, TokenClaims]:
        """A new token, and what it says.

        Args:
            key: Whose.
            request: What its owner asks for.
            now: The time, in UTC.

        Raises:
            NoTokenForToken: The key came as a token itself.
        """
        if key.token is not None:
            raise NoTokenForToken("a token opens streams only; send the key itself")
        expires = int(now.timestamp()) + request.expires_in
        if key.expires is not None:
            expires = min(expires, int(key.expires.timestamp()))
        claims = TokenClaims(
            key=key.name,
            fingerprint=_fingerprint(key),
            identity=secrets.token_urlsafe(_IDENTITY_BYTES),
            expires=expires,
            max_streams=request.max_streams,
            max_stream_seconds=request.max_stream_seconds,
        )
        return self._signer.sign(claims), claims

    def key_of(self, token: str) -> ApiKey:
        """The key that a token stands for, with the token's claims; `ANONYMOUS` on a server that needs none.

        The token may have expired: that is the caller's to look at.

        Raises:
            InvalidToken: It is no token of this server.
            Unauthorized: Its key has been revoked.
            KeysUnreadable: The server cannot tell.
        """
        claims = self._signer.read(token)
        key = self._store.find_by_name(claims.key) if self._store.required else ANONYMOUS
        if key is None or claims.fingerprint != _fingerprint(key):
            raise Unauthorized("the API key of this token is no longer in force; ask for another token")
        return replace(key, token=claims)

    def is_token(self, secret: str) -> bool:
        """Whether what a client sends in place of a key has the form of a token."""
        return self._signer.is_token(secret)


def _fingerprint(key: ApiKey) -> str:
    """Tells a key from another of the same name, and nothing about it: its hash is in no token."""
    return digest_of(key.digest).hex()[:_FINGERPRINT_CHARACTERS]
