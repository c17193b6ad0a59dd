"""A server in a thread of its own: for tests that are no coroutines, and for those that keep their own loop busy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from auricle_server.config import ServerConfig

PATIENCE = 60.0
"""Seconds after which the start, or the end, is stuck."""


@contextmanager
def serving_in_a_thread(config: ServerConfig, *, model: str | None = None) -> Iterator[str]:
    """Yields the URL; raises what kept the server from starting."""
    started: Future[str] = Future()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        try:
            loop.run_until_complete(_serve(config, model, started, stop))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        yield started.result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        loop.close()


async def _serve(config: ServerConfig, model: str | None, started: Future[str], stop: asyncio.Event) -> None:
    from auricle_server.serving.in_process_server import serve_locally

    async with serve_locally(config, model=model) as url:
        started.set_result(url)
        await stop.wait()
