"""API keys."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from auricle_server.gateway.http.errors import Unauthorized

_SCHEME = "bearer "


def check_key(authorization: str | None, keys: Sequence[str]) -> None:
    """Whether an ``Authorization`` header opens the door. Without keys it is open.

    Raises:
        Unauthorized: It does not.
    """
    if not keys:
        return
    header = authorization or ""
    if not header.lower().startswith(_SCHEME):
        raise Unauthorized("send an API key in the header: Authorization: Bearer KEY")
    given = header[len(_SCHEME) :].strip().encode(errors="surrogateescape")
    # Every key is compared, each in constant time, so that timing tells nothing.
    if not sum(hmac.compare_digest(given, key.encode()) for key in keys):
        raise Unauthorized("this server does not know the API key")
