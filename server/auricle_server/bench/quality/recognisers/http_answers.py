"""Requests to servers of other dialects over HTTP: what fails for one recording, and what fails for all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from auricle_server.bench.quality.recognisers.interface import RecogniserFailed, RecordingFailed

_SECONDS = 600.0
_MOST_OF_A_BODY = 300
_PERMANENT = frozenset({401, 403, 404, 405})
"""Statuses with which a server refuses every recording alike."""


@asynccontextmanager
async def http_session(headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """A session in which each request may take as long as a long recording does."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        yield session


async def answer_of(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> dict[str, Any]:
    """The object in the answer to a request.

    Args:
        session: Sends it.
        method: Of HTTP.
        url: Of the request.
        **options: As aiohttp takes them.

    Raises:
        RecogniserFailed: The server cannot be reached, or refuses the client.
        RecordingFailed: It refuses this request, or answers something else.
    """
    try:
        async with session.request(method, url, **options) as answer:
            body = await answer.text()
            if answer.status in _PERMANENT:
                raise RecogniserFailed(f"{url} answered {answer.status}: {body[:_MOST_OF_A_BODY]}")
            if answer.status != 200:
                raise RecordingFailed(f"{url} answered {answer.status}: {body[:_MOST_OF_A_BODY]}")
            document = await answer.json(content_type=None)
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise RecogniserFailed(f"cannot reach {url}: {error}") from error
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise RecordingFailed(f"{url}: {error!r}") from error
    if not isinstance(document, dict):
        raise RecordingFailed(f"{url} answered no object: {body[:_MOST_OF_A_BODY]}")
    return document
