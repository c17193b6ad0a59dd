"""Sends while the events of the same stream are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from auricle import AuricleError, ProtocolError, Stream


@asynccontextmanager
async def sending(stream: Stream, send: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `send` while the body of the block iterates over the stream.

    When `send` fails because the stream has failed, the iteration raises that error, after the events that came before
    it. After any other failure of `send` the iteration ends, and the failure is raised then.
    """
    task = asyncio.create_task(_send(stream, send), name="auricle sending")
    try:
        yield
        await task
    finally:
        task.cancel()
        # Waited for, so that nothing sends on the stream once the block is left.
        await asyncio.gather(task, return_exceptions=True)


async def _send(stream: Stream, send: Coroutine[Any, Any, None]) -> None:
    try:
        await send
    except Exception as error:
        if isinstance(error, AuricleError) and not isinstance(error, ProtocolError):
            return  # the stream's own; a ProtocolError may be the caller's mistake
        await stream.aclose()
        raise
