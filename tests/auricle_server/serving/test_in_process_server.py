"""A server inside this process: ready inside the block, gone after it."""

from __future__ import annotations

import socket
import threading

import aiohttp
import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.fake_engine import FakeEngine


def workers() -> set[threading.Thread]:
    """Threads of workers; servers of other tests may run in this process."""
    return {thread for thread in threading.enumerate() if thread.name == "auricle-worker"}


async def test_it_is_ready_inside_the_block_and_leaves_no_thread_and_no_port() -> None:
    engine = FakeEngine()
    before = workers()
    async with serve_locally(ServerConfig(max_load=0, host="0.0.0.0"), engine=engine.as_engine()) as url:
        assert url.startswith("ws://127.0.0.1:"), "it never listens beyond the loopback"
        async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/readyz") as answer:
            assert (answer.status, (await answer.json())["model"]) == (200, "stand-in")
        assert len(workers() - before) == 1
    assert workers() == before
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
        pass


async def test_a_port_may_be_chosen() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with serve_locally(ServerConfig(max_load=0), port=port, engine=FakeEngine().as_engine()) as url:
        assert url == f"ws://127.0.0.1:{port}"
