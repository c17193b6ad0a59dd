"""Runs `auricle serve` in its own processes for the length of a block."""

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
    """The server did not start; the message holds its output."""


@asynccontextmanager
async def serve(model: str, *options: str) -> AsyncIterator[tuple[str, float]]:
    """Starts a server on a free port of loopback; yields its URL and the seconds until it was ready.

    Args:
        model: See the option ``--model`` of `auricle serve`.
        options: Further options of `auricle serve`.

    Raises:
        ServerFailed: The server exited, or was not ready within `START_SECONDS`.
    """
    arguments = ["serve", "--port", "0", "--model", model, "--log-level", "WARNING", "--drain-seconds", "0", *options]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "auricle_server", *arguments, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    rest: asyncio.Task[bytes] | None = None
    try:
        url = await _ready_url(process.stdout)
        seconds = time.monotonic() - began
        rest = asyncio.create_task(process.stdout.read())  # the server would block on a full pipe
        yield url, seconds
    finally:
        await _stop(process)
        # To its end: an open pipe would outlive the event loop.
        await (process.stdout.read() if rest is None else rest)


async def _ready_url(output: asyncio.StreamReader) -> str:
    """The URL in the line that announces readiness."""
    log = b""
    try:
        async with asyncio.timeout(START_SECONDS):
            async for line in output:
                log += line
                if _READY in line and b"ready" in line:
                    return line.split()[-1].decode()
    except TimeoutError:
        raise ServerFailed(f"the server was not ready after {START_SECONDS:.0f} s; its output:\n{_text(log)}") from None
    raise ServerFailed(f"the server exited; its output:\n{_text(log)}")


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip() or "none"


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
