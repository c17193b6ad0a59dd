"""A page's way in: a key is swapped for a token, and the token opens streams."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from auricle.protocol.subprotocols import SUBPROTOCOL, TOKEN_PREFIX


async def ask_for_token(url: str, key: str | None = None, body: Any = None, **options: Any) -> tuple[int, Any]:
    """Status and content of the answer to a request for a token; a `body` that is no text is sent as JSON."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    data = body if isinstance(body, bytes | str) or body is None else json.dumps(body)
    address = f"{url.replace('ws', 'http', 1)}/v1/tokens"
    async with (
        aiohttp.ClientSession() as http,
        http.post(address, headers=headers | options.pop("headers", {}), data=data, **options) as answer,
    ):
        return answer.status, await answer.json()


async def token_of(url: str, key: str | None = None, **asked: int) -> str:
    """A new token."""
    status, answer = await ask_for_token(url, key, asked)
    assert status == 200, answer
    token: str = answer["token"]
    return token


def page(token: str) -> dict[str, Any]:
    """How a page connects: it sets no header."""
    return {"protocols": (SUBPROTOCOL, TOKEN_PREFIX + token)}


def program(token: str) -> dict[str, Any]:
    """How a program connects that has a token in place of a key."""
    return {"headers": {"Authorization": f"Bearer {token}"}}
