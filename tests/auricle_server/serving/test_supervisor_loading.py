"""A model that takes long to load: no death, and `/readyz` says how far it is.

The load is long because another process, here the test, unpacks the archive at that time, and does not come to an end
until it is told to.
"""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest
from huggingface_hub import constants

from auricle_server.checkpoints.nemo.unpacked_archive import unpack
from auricle_server.checkpoints.progress import silent
from tests.auricle_server.raw_client import connected_client, transcribed, until
from tests.auricle_server.serving.supervised import SCRIPT, Server, alive, watched
from tests.support import tones


class Unpacking:
    """Holds the lock on the half of an unpacked archive.

    Args:
        folder: Where the archive is made.
    """

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "model.nemo"
        self.archive.write_bytes(gzip.compress(tones.CHECKPOINT.read_bytes()))
        self._copy = unpack(self.archive, silent)
        self._part = self._copy.with_suffix(".part")
        self._whole = self._copy.read_bytes()
        self._copy.rename(self._part)
        os.truncate(self._part, len(self._whole) // 2)
        self._lock: IO[bytes] = self._part.open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def complete(self) -> None:
        self._part.write_bytes(self._whole)
        self._part.rename(self._copy)
        self.close()

    def close(self) -> None:
        self._lock.close()


@pytest.fixture
def unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unpacking]:
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    held = Unpacking(tmp_path)
    yield held
    held.close()


@asynccontextmanager
async def starting(model: Path) -> AsyncIterator[Server]:
    """A server that is not ready yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"model": str(model), "device": "cpu", "port": port, "drain_seconds": 0}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), json.dumps(options), stdout=PIPE, stderr=PIPE
    )
    async with watched(process) as server:
        server.url = f"ws://127.0.0.1:{port}"
        yield server


async def state(server: Server) -> dict[str, Any]:
    """What `/readyz` says; nothing while nobody listens."""
    with suppress(aiohttp.ClientConnectionError):
        async with aiohttp.ClientSession() as http, http.get(server.url.replace("ws", "http", 1) + "/readyz") as got:
            return {"http": got.status, **await got.json()}
    return {}


async def until_unpacking(server: Server) -> None:
    async def reached() -> bool:
        said = await state(server)
        return bool(said.get("loading")) and said["loading"][0]["what"] == "unpacking model.nemo"

    await until(reached, 60)


@pytest.mark.slow
async def test_readyz_says_how_far_a_long_load_is_and_the_server_then_serves(unpacking: Unpacking) -> None:
    audio, text = tones.utterance(81, 3)
    async with starting(unpacking.archive) as server:
        await until_unpacking(server)
        assert await state(server) == {
            "http": 503,
            "status": "loading",
            "loading": [{"what": "unpacking model.nemo", "percent": 50}],
        }
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected_client(server.url):
                pass
        assert refused.value.status == 503
        assert "unpacking model.nemo: " in server.log
        unpacking.complete()
        await server.until_readiness(200)
        assert await transcribed(server.url, audio) == text
        assert len(server.pids("worker-0")) == 1
        assert "died" not in server.log


@pytest.mark.slow
async def test_a_server_that_loads_stops_at_once(unpacking: Unpacking) -> None:
    async with starting(unpacking.archive) as server:
        await until_unpacking(server)
        server.process.terminate()
        assert await asyncio.wait_for(server.process.wait(), 20) == 0
        assert "killed process" not in server.log


@pytest.mark.slow
async def test_a_supervisor_that_is_killed_while_the_model_loads_leaves_no_process(unpacking: Unpacking) -> None:
    async with starting(unpacking.archive) as server:
        await until_unpacking(server)
        pids = server.pids("worker-0") + server.pids("gateway-0")
        server.process.kill()
        await until(lambda: not any(map(alive, pids)), 20)


@pytest.mark.slow
async def test_a_server_whose_worker_dies_of_every_load_says_so_and_ends(unpacking: Unpacking) -> None:
    async with starting(unpacking.archive) as server:
        for start in range(1, 4):
            pids = await server.until_pids("worker-0", start)
            os.kill(pids[-1], signal.SIGKILL)  # as the system does for want of memory
        assert await asyncio.wait_for(server.process.wait(), 60) == 1
        assert "cannot go on process=worker-0: it ended 3 times in a row before it was ready" in server.log
        assert "SIGKILL" in server.log
        assert not any(alive(pid) for name in ("worker-0", "gateway-0") for pid in server.pids(name))
