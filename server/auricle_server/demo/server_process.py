"""A real `auricle serve`, with processes of its own, for as long as the demo runs."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

START_SECONDS = 60.0
STOP_SECONDS = 20.0
_READY = b"ws://"


class ServerFailed(RuntimeError):
    """The server did not come up; the message holds what it said."""


@asynccontextmanager
async def serve(model: str, *options: str) -> AsyncIterator[tuple[str, float]]:
    """Starts a server on a free port of loopback; yields its URL and the seconds until it was ready.

    Args:
        model: As `auricle serve` takes it.
        options: More of its options.

    Raises:
        ServerFailed: It ended, or was not ready within `START_SECONDS`.
    """
    arguments = ["serve", "--port", "0", "--model", model, "--log-level", "WARNING", "--drain-seconds", "0", *options]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "auricle_server", *arguments, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    try:
        url = await _ready_url(process.stdout)
        seconds = time.monotonic() - began
        rest = asyncio.create_task(process.stdout.read())  # read as it comes: the server must never wait for us
        yield url, seconds
    finally:
        await _stop(process)
    await rest


async def _ready_url(output: asyncio.StreamReader) -> str:
    """The address in the line in which the server says that it is ready."""
    said = b""
    try:
        async with asyncio.timeout(START_SECONDS):
            async for line in output:
                said += line
                if _READY in line and b"ready" in line:
                    return line.split()[-1].decode()
    except TimeoutError:
        raise ServerFailed(f"the server was not ready after {START_SECONDS:.0f} s; it said:\n{_text(said)}") from None
    raise ServerFailed(f"the server ended; it said:\n{_text(said)}")


def _text(said: bytes) -> str:
    return said.decode(errors="replace").strip() or "nothing"


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
