"""`POST /v1/tokens`: a client swaps its key for a token that may be given to a browser."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.http.refusals import Refusals
from auricle_server.gateway.http.routes.json_body import read_body
from auricle_server.gateway.http.session_opener import SessionOpener
from auricle_server.gateway.keys.access import KeyAccess
from auricle_server.gateway.keys.tokens.token_claims import TokenClaims
from auricle_server.gateway.keys.tokens.token_request import TokenRequest

TOKENS_PATH = "/v1/tokens"


class TokenRoute:
    """Answers requests for tokens.

    Args:
        config: Of the server.
        opener: Checks who asks.
        keys: Make the tokens.
        refusals: Of the gateway.
    """

    def __init__(self, config: ServerConfig, opener: SessionOpener, keys: KeyAccess, refusals: Refusals) -> None:
        self._config = config
        self._opener = opener
        self._keys = keys
        self._refusals = refusals

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request."""
        try:
            # The key first: who has none is not waited for.
            key = self._opener.check_access(request, request.headers.get("Authorization"))
            asked = TokenRequest.read(await read_body(request, self._config.header_seconds))
            token, claims = self._keys.mint(key, asked)
        except Refusal as refusal:
            return self._refusals.answer(refusal)
        # RFC 6749, section 5.1: no cache may keep a token.
        return web.json_response(_answer(token, claims), headers={"Cache-Control": "no-store"})


def _answer(token: str, claims: TokenClaims) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "token": token,
        # Less than was asked for where the key itself expires.
        "expires_in": max(0, round(claims.expires - time.time())),
        "expires_at": claims.expires_at.isoformat().replace("+00:00", "Z"),
    }
    limits = {"max_streams": claims.max_streams, "max_stream_seconds": claims.max_stream_seconds}
    return answer | {name: value for name, value in limits.items() if value is not None}
