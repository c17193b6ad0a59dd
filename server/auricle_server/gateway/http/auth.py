"""Which web pages may open a stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from auricle_server.gateway.errors import OriginNotAllowed
from auricle_server.origins import is_allowed


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
