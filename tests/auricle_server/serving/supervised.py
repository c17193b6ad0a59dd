"""A supervisor in a process of its own, with all that it starts, for the length of a block."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.auricle_server.raw_client import until
from tests.support import tones

SCRIPT = Path(__file__).with_name("supervised_server.py")


class Server:
    """A running supervisor."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.url = ""
        self.log = ""

    async def read_log(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.log += line.decode()

    def pids(self, name: str) -> list[int]:
        return [int(pid) for pid in re.findall(rf"started process={name} pid=(\d+)", self.log)]

    async def until_pids(self, name: str, count: int) -> list[int]:
        await until(lambda: len(self.pids(name)) >= count)
        return self.pids(name)

    async def readiness(self) -> int:
        try:
            async with aiohttp.ClientSession() as http, http.get(self.url.replace("ws", "http", 1) + "/readyz") as got:
                return got.status
        except aiohttp.ClientConnectionError:
            return 0

    async def until_readiness(self, status: int) -> None:
        async def reached() -> bool:
            return await self.readiness() == status

        await until(reached, 60)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Server]:
    # A worker that stands by takes seconds of two cores: only the tests that are about it have one.
    options = {"model": str(tones.CHECKPOINT), "device": "cpu", "port": 0, "standby": False, **options}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), json.dumps(options), stdout=PIPE, stderr=PIPE
    )
    async with watched(process) as server:
        assert process.stdout is not None
        server.url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        yield server


@asynccontextmanager
async def watched(process: Process) -> AsyncIterator[Server]:
    """Reads a supervisor's log until the block is left; then kills it, and reads its pipes to their ends.

    A pipe that is not at its end when the event loop closes is reported in another test, whenever it is collected.
    """
    server = Server(process)
    reading = asyncio.create_task(server.read_log())
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        assert process.stdout is not None
        await process.stdout.read()
        await reading


async def metrics(server: Server) -> dict[str, float]:
    """Every sample without labels."""
    async with aiohttp.ClientSession() as http, http.get(server.url.replace("ws", "http", 1) + "/metrics") as answer:
        lines = [line.split() for line in (await answer.text()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines if "{" not in name}


async def stopped(server: Server) -> int:
    server.process.terminate()
    return await asyncio.wait_for(server.process.wait(), 60)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").exists() or ") Z " not in Path(f"/proc/{pid}/stat").read_text()
