"""Lets a suite that runs in Node break networks and move servers: it asks over HTTP, and waits until it is done."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Control = Callable[[], Awaitable[Any] | Any]


@asynccontextmanager
async def controls(named: Mapping[str, Control]) -> AsyncIterator[str]:
    """Answers ``POST /NAME`` with what a control returns, as JSON; yields the address."""

    async def answer(request: web.Request) -> web.Response:
        done = named[request.match_info["name"]]()
        if isinstance(done, Awaitable):
            done = await done
        return web.Response(text=json.dumps(done), content_type="application/json")

    application = web.Application()
    application.router.add_post("/{name}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
