"""What tests of several rooms share."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from tests.support import tones

# The models of the tests are small: a second thread gains nothing, and two that spin while other work wants the cores
# lose a factor of twenty. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tones_server() -> Iterator[str]:
    """URL of a server with the small two-tone model, in a thread of its own: for tests that are not coroutines."""
    from auricle_server.config import ServerConfig
    from auricle_server.serving.in_process_server import serve_locally

    urls: list[str] = []
    up, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serve_locally(ServerConfig(max_load=0), model=str(tones.CHECKPOINT)) as url:
            urls.append(url)
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="tones-server")
    thread.start()
    assert up.wait(60), "the server did not come up"
    yield urls[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()
