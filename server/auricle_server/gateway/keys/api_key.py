"""One API key: its name, its hash and what it may do."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from auricle_server.gateway.keys.tokens.token_claims import TokenClaims
from auricle_server.origins import ANY_ORIGIN, Origin

_PREFIX = "auricle_"
"""Lets people, and programs that search for leaked secrets, recognise a key."""
# 256 bits: nobody guesses such a key, so a plain hash of it needs no salt and no slow function.
_KEY_BYTES = 32
MOST = 1_000_000
"""Largest limit of a key: more streams than a server holds."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, without the secret itself.

    Attributes:
        name: Names it in metrics, logs and usage; 1 to 64 letters, digits, dots, hyphens and underscores.
        digest: SHA-256 of the secret.
        max_streams: Streams that it may have at once, over all gateways of the server; None for any number.
        max_new_streams_per_minute: Streams that it may open within 60 seconds; None for any number.
        expires: When it stops to open streams; None for never.
        allowed_origins: Origins of the web pages that may use it, in place of the server's own list; None leaves it to
            the server.
        token: What the token says that has come in place of the key; None for the key itself.
    """

    name: str
    digest: bytes = field(repr=False)
    max_streams: int | None = None
    max_new_streams_per_minute: int | None = None
    expires: datetime | None = None
    allowed_origins: tuple[str, ...] | None = None
    token: TokenClaims | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"name: expected 1 to 64 letters, digits, dots, hyphens and underscores, got {self.name[:80]!r}"
            )
        for field_name in ("max_streams", "max_new_streams_per_minute"):
            value = getattr(self, field_name)
            if value is not None and not 1 <= value <= MOST:
                raise ValueError(f"{field_name}: expected 1 to {MOST}, got {value}; leave it out for no limit")
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("expires: expected a time with its offset from UTC")

        for origin in self.allowed_origins or ():
            try:
                if origin != ANY_ORIGIN:
                    Origin.parse(origin)
            except ValueError as error:
                raise ValueError(f"allowed_origins: {error}") from error

    def expired(self, now: datetime) -> bool:
        """Whether the key opens no more streams at `now`."""
        return self.expires is not None and now >= self.expires


ANONYMOUS = ApiKey(name="anonymous", digest=b"")
"""Stands for the clients of a server that needs no key."""


def digest_of(secret: str | bytes) -> bytes:
    """What is stored of a key."""
    # aiohttp decodes headers as UTF-8 with surrogateescape, so bytes that are no UTF-8 come back unchanged with it.
    data = secret if isinstance(secret, bytes) else secret.encode(errors="surrogateescape")
    return hashlib.sha256(data).digest()


def generate_secret() -> str:
    """A new key, as the client sends it."""
    return _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
