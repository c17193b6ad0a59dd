"""Runs the Pipecat examples as their users do: as programs, with Pipecat's development runner."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.webrtc.caller import Message
from tests.webrtc.patience import PATIENCE

_EXAMPLES = Path(__file__).parents[2] / "agent_examples"
_UP = "Uvicorn running on"
_END_SECONDS = 5.0


class ExampleFailed(Exception):
    """The program ended before it did what was expected of it."""


class Example:
    """A running example.

    Attributes:
        url: Where its web server listens.
        lines: All that it has printed so far.
    """

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.lines: list[str] = []
        self._http = http
        self._news = asyncio.Condition()
        self._ended = False

    async def answer(self, offer: Message) -> Message:
        """Brings an offer of WebRTC to the runner and its answer back."""
        async with self._http.post(f"{self.url}/api/offer", json=offer) as response:
            response.raise_for_status()
            answer: Message = await response.json()
            return answer

    async def printed(self, part: str, *, times: int = 1) -> list[str]:
        """Waits until so many lines with this in them have been printed; returns what comes after it in them."""

        def found() -> list[str]:
            return [line.partition(part)[2].strip() for line in self.lines if part in line]

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(found()) >= times or self._ended)
        if len(found()) < times:
            raise ExampleFailed(f"the program ended without printing {part!r}")
        return found()

    async def read(self, stdout: asyncio.StreamReader) -> None:
        """Takes what the program prints, until it ends."""
        while line := (await stdout.readline()).decode(errors="replace"):
            print(line, end="")
            await self._tell(line)
        self._ended = True
        await self._tell("")

    async def _tell(self, line: str) -> None:
        async with self._news:
            self.lines.append(line)
            self._news.notify_all()


@asynccontextmanager
async def example(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Example]:
    """Runs an example for WebRTC on a free port of the loopback until the block is left; what it prints goes on."""
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", str(_EXAMPLES / name), "-t", "webrtc", "--host", "127.0.0.1", "--port", str(port)),
        *arguments,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with aiohttp.ClientSession() as http:
        program = Example(f"http://127.0.0.1:{port}", http)
        reading = asyncio.create_task(program.read(process.stdout))
        try:
            await program.printed(_UP)
            yield program
        finally:
            await _end(process)
            await reading


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks nicely first; the runner waits for its bots."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
