"""Signs tokens, and reads those that it, or a server with the same secret, has signed. Pure: no clock.

A token is ``at1.CLAIMS.SIGNATURE``: a JSON object and its HMAC-SHA256 (RFC 2104), both in base64url without padding
(RFC 4648, section 5), so that it fits into a header and into the name of a subprotocol (RFC 9110, section 5.6.2). The
form is the server's own affair: clients send a token as they got it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import fields
from typing import Any

from auricle_server.gateway.keys.tokens.token_claims import TokenClaims

_PREFIX = "at1"
_LONGEST = 2048
"""Characters of a token; those that the server signs have fewer than 400."""
# A secret may serve another purpose, in another program, too: what is signed there must not be a token here.
_PURPOSE = b"auricle stream token, version 1"


class InvalidToken(Exception):
    """What came is no token of this server."""


class TokenSigner:
    """Signs and reads tokens.

    Args:
        secret: Shared by all who accept each other's tokens.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, _PURPOSE, hashlib.sha256)

    @staticmethod
    def is_token(text: str) -> bool:
        """Whether a text has the form of a token, and not that of a key."""
        return text.startswith(f"{_PREFIX}.")

    def sign(self, claims: TokenClaims) -> str:
        """The token that says it."""
        values = {field.name: getattr(claims, field.name) for field in fields(claims)}
        content = json.dumps({name: value for name, value in values.items() if value is not None}, ensure_ascii=True)
        signed = f"{_PREFIX}.{_encode(content.encode())}"
        return f"{signed}.{_encode(self._signature(signed))}"

    def read(self, token: str) -> TokenClaims:
        """What a token says, whether it has expired or not.

        Raises:
            InvalidToken: It is none, was altered, or was signed with another secret.
        """
        signed, _, signature = token.rpartition(".")
        if len(token) > _LONGEST or not token.isascii() or not self.is_token(signed):
            raise InvalidToken
        # As text: base64 has several spellings of the same bytes, and a token has one. Compared in constant time.
        if not hmac.compare_digest(signature, _encode(self._signature(signed))):
            raise InvalidToken
        try:
            values: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
            return TokenClaims(**values)
        except (ValueError, TypeError) as error:
            raise InvalidToken from error  # of a server with the same secret, and another version

    def _signature(self, signed: str) -> bytes:
        return hmac.digest(self._key, signed.encode(), hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
