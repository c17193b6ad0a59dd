"""A web server for pages of tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

_TYPES = {".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".wav": "audio/wav"}


@asynccontextmanager
async def site(
    files: Mapping[str, str | Path], headers: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[str]:
    """Serves files on the loopback; yields its origin.

    Args:
        files: The text of each path, or the file that has it; the type follows from the name of the path.
        headers: Of every answer.
    """

    async def answer(request: web.Request) -> web.Response:
        found = files.get(request.path)
        if found is None:
            raise web.HTTPNotFound
        body = found.encode() if isinstance(found, str) else found.read_bytes()
        kind = _TYPES.get(Path(request.path).suffix, "text/html")
        return web.Response(body=body, content_type=kind, headers=headers)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
