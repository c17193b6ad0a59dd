"""API keys."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from auricle_server.gateway.errors import Unauthorized

_SCHEME = "bearer "


def check_key(authorization: str | None, keys: Sequence[str]) -> None:
    """Checks an ``Authorization`` header against the server's keys; without keys every client may connect.

    Raises:
        Unauthorized: The header holds none of the keys.
    """
    if not keys:
        return
    header = authorization or ""
    if not header.lower().startswith(_SCHEME):
        raise Unauthorized("send an API key in the header: Authorization: Bearer KEY")
    given = header[len(_SCHEME) :].strip().encode(errors="surrogateescape")
    # Every key is compared, each in constant time: the time of the answer must not tell how much of a key was right.
    if not sum(hmac.compare_digest(given, key.encode()) for key in keys):
        raise Unauthorized("this server does not know the API key")
