"""A server with the bundled English model for all the calls of these tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aioice.ice import get_host_addresses

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.webrtc.patience import PATIENCE


@pytest.fixture(scope="session", autouse=True)
def _address() -> None:
    if not get_host_addresses(use_ipv4=True, use_ipv6=False):
        pytest.skip("WebRTC needs a network interface beside the loopback; its traffic stays on this machine")


@pytest.fixture(scope="session")
def auricle_url() -> Iterator[str]:
    """URL of the server, which runs in a thread of its own: as busy as a call is, the server hears nothing of it."""
    urls: list[str] = []
    up, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serve_locally(ServerConfig(max_load=0)) as url:
            urls.append(url)
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="auricle-server")
    thread.start()
    assert up.wait(PATIENCE), "the server did not come up"
    yield urls[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE)
    loop.close()
