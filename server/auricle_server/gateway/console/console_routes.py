"""The routes of the page: `/`, its files below `/console/`, the recordings, and what it must know of the server.

They need no key: they say no more than `/readyz`, and a page that asks for a key must load first.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import ETag, web

from auricle_server.demo.programme import AUDIO_FOLDER
from auricle_server.gateway.console.clips import CLIPS_PREFIX, clip_list
from auricle_server.gateway.console.static_files import StaticFiles
from auricle_server.gateway.listening.application import Handler

log = logging.getLogger(__name__)

PAGE_FOLDER = Path(__file__).parent / "page"
_CLIENT_NAME = "auricle.js"
CLIENT_FILES = tuple(
    folder / _CLIENT_NAME for folder in (PAGE_FOLDER.parent, Path(__file__).parents[4] / "plugins" / "auricle-js")
)
"""Where the JavaScript client may be: in the package, and in a checkout."""
CONSOLE_PATH = "/console/"
_INDEX = "index.html"
# What people drop on the page is played from a Blob. 'self' has the WebSockets of the same host and port in it.
POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, but asked for again at each visit: a server may be another version after it was down for a moment.
    "Cache-Control": "no-cache",
}
"""Of every answer."""


class ConsoleRoutes:
    """Answers for the page.

    Args:
        config: Makes the content of `/console/config.json`.
    """

    def __init__(self, config: Callable[[], dict[str, Any]]) -> None:
        self._config = config
        self._files = StaticFiles(
            (("", PAGE_FOLDER), *((_CLIENT_NAME, file) for file in CLIENT_FILES), (CLIPS_PREFIX, AUDIO_FOLDER)),
        )

    def routes(self) -> dict[str, Handler]:
        """What answers GET and HEAD at each path."""
        return {"/": self._index, "/console": self._to_index, CONSOLE_PATH + "{name:.*}": self._answer}

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return await self._file(request, _INDEX)

    async def _to_index(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={**HEADERS, "Location": "/"})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        match name:
            case "":
                return await self._to_index(request)
            case "config.json":
                return web.json_response(self._config(), headers={**HEADERS, "Cache-Control": "no-store"})
            case _ if name == CLIPS_PREFIX:
                return web.json_response(await asyncio.to_thread(clip_list), headers=HEADERS)
        return await self._file(request, name)

    async def _file(self, request: web.Request, name: str) -> web.StreamResponse:
        if name not in self._files:
            body = {"code": "not_found", "message": "the console has no such file"}
            return web.json_response(body, status=404, headers=HEADERS)
        try:
            file = await asyncio.to_thread(self._files.read, name)
        except OSError as error:
            log.error("cannot read a file of the console name=%s: %s", name, error.strerror)
            body = {"code": "internal", "message": "the server cannot read this file; its log says why"}
            return web.json_response(body, status=500, headers=HEADERS)
        headers = {**HEADERS, "Content-Type": file.media_type}
        content, shortened = file.body, False
        if file.compressed is not None:
            headers["Vary"] = "Accept-Encoding"
            if shortened := _takes_gzip(request):
                content = file.compressed
                headers["Content-Encoding"] = "gzip"
        known = request.if_none_match or ()
        # RFC 9110, section 13.1.2: the comparison is weak, and "*" stands for any content.
        unchanged = any(each.value in {file.etag, "*"} for each in known)
        response = (
            web.Response(status=304, headers=HEADERS) if unchanged else web.Response(body=content, headers=headers)
        )
        # Weak, where the bytes are others than those of the file.
        response.etag = ETag(file.etag, is_weak=shortened)
        return response


def _takes_gzip(request: web.Request) -> bool:
    """Whether the client says that it takes gzip (RFC 9110, section 12.5.3)."""
    for coding in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in {"gzip", "x-gzip"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False
