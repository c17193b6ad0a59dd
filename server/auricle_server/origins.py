"""Which web pages may use the server: the `Origin` that a browser names in each WebSocket request.

Any page may open a WebSocket to any server that its visitor reaches, one on the visitor's own machine included, and
read what comes: the same-origin policy does not hold for WebSockets (RFC 6455, section 10.2). A browser cannot be made
to leave `Origin` out or to lie in it, so the server checks it. Programs send none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

ANY_ORIGIN = "*"
"""Allows every page."""

_HOST = r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
# RFC 6454, section 7: scheme, host and port only. Browsers write names of other scripts in ASCII (punycode).
_ORIGIN = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*)://{_HOST}")
_AUTHORITY = re.compile(_HOST)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from.

    Attributes:
        scheme: ``"https"``, for example.
        host: A name or an address, that of IPv6 in brackets.
        port: None for a scheme without a port of its own.
    """

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Reads ``https://app.example.com`` or ``http://127.0.0.1:3000``; a slash at the end is ignored.

        Raises:
            ValueError: The text is no such origin; ``null``, which stands for no origin at all, is none either.
        """
        found = _ORIGIN.fullmatch(text.lower().removesuffix("/"))
        if found is None:
            raise ValueError(f"expected an origin like https://app.example.com, got {text[:100]!r}")
        port = _DEFAULT_PORTS.get(found["scheme"]) if found["port"] is None else int(found["port"])
        return cls(found["scheme"], found["host"], port)

    def is_at(self, authority: str) -> bool:
        """Whether a page of this origin has been served by the host that a request names in its `Host` header."""
        found = _AUTHORITY.fullmatch(authority.lower())
        if found is None:
            return False
        # The scheme may differ: a proxy in front of the server may add TLS.
        port = _DEFAULT_PORTS.get(self.scheme) if found["port"] is None else int(found["port"])
        return (self.host, self.port) == (found["host"], port)

    @property
    def has_fixed_address(self) -> bool:
        """Whether the host stands for the same machine at all times: an address, or a name of the own machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761, section 6.3
            return True
        try:
            ip_address(self.host.strip("[]"))
        except ValueError:
            return False
        return True


def is_allowed(origin: str, authority: str, allowed: Collection[str], *, keyed: bool) -> bool:
    """Whether a page may open a stream.

    Allowed are the listed origins and the server's own. A page whose host is a name counts as the server's own only
    where a key is needed besides: whoever owns a name can have it stand for the visitor's machine once the page is
    loaded (DNS rebinding), and then `Origin` and `Host` are equal too.

    Args:
        origin: The request's `Origin` header.
        authority: Its `Host` header.
        allowed: Origins that may, or `ANY_ORIGIN`.
        keyed: Whether the server asks for a key.
    """
    if ANY_ORIGIN in allowed:
        return True
    try:
        page = Origin.parse(origin)
    except ValueError:
        return False
    own = page.is_at(authority) and (keyed or page.has_fixed_address)
    return own or any(page == Origin.parse(text) for text in allowed)


def check_origins(origins: Iterable[str]) -> None:
    """Raises ValueError for one that is neither the origin of pages nor `ANY_ORIGIN`."""
    for origin in origins:
        try:
            if origin != ANY_ORIGIN:
                Origin.parse(origin)
        except ValueError as error:
            raise ValueError(f"{error}, or {ANY_ORIGIN}") from error
