"""Several servers behind a proxy: each can be filled, drained, killed and restarted, and keeps its name and port."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from auricle import AuricleError, Stream
from auricle.client import AuricleClient
from tests.torture.server_process import ServerProcess, serving

DRAIN_SECONDS = 2.0
_PROBE_SECONDS = 0.1
_ANSWER_SECONDS = 10.0


class FleetServer:
    """One server of a fleet, in one life after the other.

    Args:
        folder: Gets a folder for each life.
        name: As the proxy knows it.
        port: To listen at.
        slots: Streams that it holds.

    Attributes:
        process: Of the life that goes on, or has ended last.
    """

    def __init__(self, folder: Path, name: str, port: int, slots: int) -> None:
        self.process: ServerProcess
        self.name, self.port, self.slots = name, port, slots
        self._folder = folder
        self._lives = 0
        self._life = AsyncExitStack()

    @property
    def url(self) -> str:
        """Of the server itself, past the proxy."""
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts it, and waits until it takes streams."""
        self._lives += 1
        # Without a worker that stands by: three servers start here at once, on a machine of two cores.
        variables = {
            "AURICLE_SERVER_NAME": self.name,
            "AURICLE_DRAIN_SECONDS": str(DRAIN_SECONDS),
            "AURICLE_STANDBY": "off",
        }
        life = serving(
            self._folder / f"{self.name}-{self._lives}", variables=variables, port=self.port, slots=self.slots
        )
        self.process = await self._life.enter_async_context(life)

    async def stop(self) -> None:
        """SIGTERM: it drains and ends."""
        await self._life.aclose()

    async def kill(self) -> None:
        """SIGKILL to all of its processes at once."""
        for pid in (self.process.supervisor, *self.process.processes().values()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._life.aclose()


@asynccontextmanager
async def fleet(folder: Path, ports: Sequence[int], slots: Sequence[int]) -> AsyncIterator[list[FleetServer]]:
    """Servers with the names ``auricle-1``, ``auricle-2``, ...; all take streams.

    Args:
        folder: Gets their logs.
        ports: Of each.
        slots: Of each.
    """
    both = zip(ports, slots, strict=True)
    servers = [FleetServer(folder, f"auricle-{number}", *each) for number, each in enumerate(both, start=1)]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield servers
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


@asynccontextmanager
async def filled(server: FleetServer) -> AsyncIterator[list[Stream]]:
    """Takes all slots of a server that are free, past the proxy, with silent streams."""
    streams: list[Stream] = []
    async with AuricleClient(server.url) as client:
        with suppress(AuricleError):
            while True:
                streams.append(await client.open())
        try:
            yield streams
        finally:
            # Those of a server that has been restarted have ended, or failed, with it.
            await asyncio.gather(*(stream.aclose() for stream in streams), return_exceptions=True)


class Probes:
    """Asks a proxy for a new stream, ten times a second, as a client that tries once.

    Attributes:
        answers: How often each status came; 0 for a connection that ended without one.
        refusals: What the answers said that were no upgrade.
    """

    def __init__(self, url: str) -> None:
        self.answers: Counter[int] = Counter()
        self.refusals: list[str] = []
        self._url = f"{url}/v1/stream"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Probes]:
        """Asks during the block."""
        task = asyncio.create_task(self._ask())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _ask(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as http:
            while True:
                await self._ask_once(http)
                await asyncio.sleep(_PROBE_SECONDS)

    async def _ask_once(self, http: aiohttp.ClientSession) -> None:
        try:
            # The slot is free again as soon as the server has the close frame.
            async with http.ws_connect(self._url, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)):
                self.answers[101] += 1
        except aiohttp.WSServerHandshakeError as error:
            self.answers[error.status] += 1
            self.refusals.append(f"{error.status} {dict(error.headers or {})}")
        except (aiohttp.ClientError, TimeoutError) as error:
            self.answers[0] += 1
            self.refusals.append(repr(error))
