"""Who may open a stream: API keys, and the origins of web pages."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence

from auricle_server.gateway.errors import OriginNotAllowed, Unauthorized
from auricle_server.origins import is_allowed

# RFC 6750, section 2.1. The name of a scheme is case-insensitive (RFC 9110, section 11.1).
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
    # aiohttp decodes headers as UTF-8 with surrogateescape. Bytes that are no UTF-8 come back unchanged with it, where
    # a strict `encode` would raise and turn a 401 into a 500.
    given = header[len(_SCHEME) :].strip().encode(errors="surrogateescape")
    # Every key is compared, each in constant time: the time of the answer must not tell how much of a key was right.
    if not sum(hmac.compare_digest(given, key.encode()) for key in keys):
        raise Unauthorized("this server does not know the API key")


def check_origin(headers: Mapping[str, str], allowed: Collection[str], *, keyed: bool) -> None:
    """Checks whether a web page may open a stream; a request without ``Origin`` comes from no page.

    Args:
        headers: Of the request.
        allowed: As for `auricle_server.origins.is_allowed`.
        keyed: Whether a key is needed besides.

    Raises:
        OriginNotAllowed: It may not.
    """
    origin = headers.get("Origin")
    if origin is not None and not is_allowed(origin, headers.get("Host", ""), allowed, keyed=keyed):
        raise OriginNotAllowed(
            "this web page may not use the server; start the server with --allow-origin and the page's origin"
        )
