"""What an upgrade request says about its client: its page, its key, and the stream that it resumes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiohttp import web

from auricle.protocol.client_messages import RESUME_HEADER
from auricle.protocol.subprotocols import SubprotocolOffer
from auricle_server.gateway.errors import OriginNotAllowed
from auricle_server.origins import is_allowed

_PROTOCOLS = "Sec-WebSocket-Protocol"
_MAX_DIGITS = 9


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


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What a client of the native protocol says in headers or, from a page, in subprotocols; a header wins.

    Attributes:
        offer: The subprotocols.
        authorization: A value for the header of that name: the client's key.
        token: Of the session that the client resumes; empty for a new one.
        seq: Number of the last event that the client has had.
    """

    offer: SubprotocolOffer
    authorization: str | None
    token: str
    seq: int

    @classmethod
    def of(cls, request: web.Request) -> UpgradeRequest:
        """Reads a request."""
        offer = SubprotocolOffer.of(request.headers.getall(_PROTOCOLS, []))
        authorization = request.headers.get("Authorization")
        if authorization is None and offer.token is not None:
            authorization = f"Bearer {offer.token}"  # RFC 6750, section 2.1
        token, _, seq = request.headers.get(RESUME_HEADER, offer.resume or "").partition(" ")
        return cls(offer, authorization, token, whole_number(seq) or 0)


def asks_for_websocket(request: web.Request) -> bool:
    """Whether a request is a WebSocket upgrade."""
    # With the client's own subprotocols: aiohttp writes a warning for those that it does not know.
    offered = [name.strip() for value in request.headers.getall(_PROTOCOLS, []) for name in value.split(",")]
    return bool(web.WebSocketResponse(protocols=offered).can_prepare(request))


def whole_number(text: str) -> int | None:
    """A number that a client has written; None where it is none."""
    # `int` alone takes "1_000", " 1" and digits of any script, and numbers of any length.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
