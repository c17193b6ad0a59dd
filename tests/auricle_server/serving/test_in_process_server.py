"""A server inside this process: ready inside the block, gone after it."""

from __future__ import annotations

import socket
import threading

import aiohttp
import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.fake_engine import FakeEngine


async def test_it_is_ready_inside_the_block_and_leaves_no_thread_and_no_port() -> None:
    engine = FakeEngine()
    async with serve_locally(ServerConfig(max_load=0, host="0.0.0.0"), engine=engine.as_engine()) as url:
        assert url.startswith("ws://127.0.0.1:"), "it never listens beyond the loopback"
        async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/readyz") as answer:
            assert (answer.status, (await answer.json())["model"]) == (200, "stand-in")
        assert any(thread.name == "auricle-worker" for thread in threading.enumerate())
    assert not any(thread.name == "auricle-worker" for thread in threading.enumerate())
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
        pass


async def test_a_port_may_be_chosen() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with serve_locally(ServerConfig(max_load=0), port=port, engine=FakeEngine().as_engine()) as url:
        assert url == f"ws://127.0.0.1:{port}"
