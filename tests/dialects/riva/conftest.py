"""A server with a port for clients of Riva, and its address as they take it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tests.auricle_server.gateway.conftest import Serve
from tests.support.servers.riva import free_port

RivaServe = Callable[..., AbstractAsyncContextManager[tuple[str, str]]]


@pytest.fixture
def riva_serve(serve: Serve) -> RivaServe:
    """Starts a server; yields its URL for the native protocol, and its address for clients of Riva."""

    @asynccontextmanager
    async def start(**options: Any) -> AsyncIterator[tuple[str, str]]:
        port = free_port()
        async with serve(riva_port=port, **options) as url:
            yield url, f"127.0.0.1:{port}"

    return start
