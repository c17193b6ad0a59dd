"""Receives the small body of a request: bounded in size and in time."""

from __future__ import annotations

import asyncio

from aiohttp import web

from auricle_server.gateway.errors import UploadTooLarge, UploadTooSlow
from auricle_server.gateway.listening.application import send_continue

MOST_BYTES = 4096


async def read_body(request: web.Request, seconds: float) -> bytes:
    """The body of a request.

    Args:
        request: The client's.
        seconds: In which it must have come.

    Raises:
        UploadTooLarge: It has more than `MOST_BYTES`.
        UploadTooSlow: It has not come in time.
        ConnectionError: The client has gone.
    """
    await send_continue(request)
    body = b""
    try:
        async with asyncio.timeout(seconds):
            while block := await request.content.read(MOST_BYTES + 1 - len(body)):
                body += block
                if len(body) > MOST_BYTES:
                    raise UploadTooLarge(f"the body may have {MOST_BYTES} bytes")
    except TimeoutError as error:
        raise UploadTooSlow(f"the body did not come in {seconds:g} s") from error
    return body
