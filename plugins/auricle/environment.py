"""What a caller may leave to the environment: the address of the server, its key, and the proxies on the way to it.

An argument wins over its variable. A variable that is set to nothing counts as not set: compose files pass on variables
that their host may not have.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from auricle._connection.transport import STREAM_PATH, stream_url

URL_VARIABLE = "AURICLE_URL"
"""The address of the server, or of several: as for `server_urls`."""
API_KEY_VARIABLE = "AURICLE_API_KEY"
DEFAULT_URL = "ws://127.0.0.1:8765"

# By the scheme of the address. A WebSocket begins as an HTTP request, so it takes the proxy of the same security
# (RFC 6455, section 4.1, names no other). `ALL_PROXY` is that of curl.
_PROXIES = {"ws": ("http", "all"), "wss": ("https", "all")}
_PROXY_SCHEMES = {"http", "https"}
# A comma can also stand in the path or the query of an address.
_BETWEEN_ADDRESSES = re.compile(r",(?=[a-z]+://)")


def server_urls(url: str | Sequence[str] | None = None, base_url: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """The WebSocket addresses of the servers, in the order of preference.

    Args:
        url: One, several, or several in one string with commas between them; None takes ``AURICLE_URL``, and without
            that `DEFAULT_URL`.
        base_url: Another name of `url`, the habit of the frameworks.

    Raises:
        ValueError: An address has another form than ``ws://host:port`` (or wss, http, https), there is none, or both
            arguments are given. The message begins with the name of the argument or of the variable.
    """
    if url is not None and base_url is not None:
        raise ValueError("base_url: another name of url; give one of the two")
    name, given = ("url", url) if base_url is None else ("base_url", base_url)
    if given is None:
        name, given = URL_VARIABLE, os.environ.get(URL_VARIABLE) or DEFAULT_URL
    urls = _BETWEEN_ADDRESSES.split(given) if isinstance(given, str) else given
    if not urls:
        raise ValueError(f"{name}: expected the address of at least one server")
    return tuple(stream_url(each, name) for each in urls)


def endpoint_of(url: str, path: str) -> str:
    """The HTTP address of another endpoint of a server, such as ``/readyz``, of an address of `server_urls`."""
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    return parts._replace(scheme=scheme, path=parts.path.removesuffix(STREAM_PATH) + path, query="").geturl()


def api_key_of(key: str | None = None) -> str | None:
    """The key to send; None sends none.

    Args:
        key: None takes ``AURICLE_API_KEY``; an empty one sends none, whatever the variable says.

    Raises:
        ValueError: Blanks or line breaks are around it, as when it was read from a file.
    """
    name = API_KEY_VARIABLE if key is None else "api_key"
    key = os.environ.get(API_KEY_VARIABLE, "") if key is None else key
    # The key itself is in no message: those are logged. A line break would also end the header.
    if key != key.strip() or not key.isprintable():
        raise ValueError(f"{name}: the key has blanks or line breaks around it or in it; remove them")
    return key or None


def proxy_of(url: str) -> str | None:
    """The proxy for an address of `server_urls`; None for a direct connection.

    Of ``HTTPS_PROXY`` for wss and ``HTTP_PROXY`` for ws, otherwise ``ALL_PROXY``; ``NO_PROXY`` lists the hosts that are
    reached without one. Each may be written in small letters, which win.

    Raises:
        ValueError: The variable's proxy is of another kind than ``http://`` or ``https://``.
    """
    proxies = getproxies_environment()
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if proxy_bypass(host, proxies):
        return None
    kind = next((kind for kind in _PROXIES[parts.scheme] if proxies.get(kind)), None)
    if kind is None:
        return None
    proxy = proxies[kind] if "://" in proxies[kind] else f"http://{proxies[kind]}"
    if urlsplit(proxy).scheme not in _PROXY_SCHEMES or not urlsplit(proxy).hostname:
        # Without the address, which may hold a password.
        raise ValueError(
            f"{kind.upper()}_PROXY: expected a proxy like http://host:3128; SOCKS proxies are not supported"
        )
    return proxy
