"""Node, for what is written in JavaScript: its test runner and single programs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
_LEAST, _WITH_WEBSOCKET = 20, 22


@cache
def _major() -> int:
    if NODE is None:
        return 0
    told = subprocess.run([NODE, "--version"], check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    found = re.match(r"v(\d+)", told.stdout)
    return int(found[1]) if found else 0


NEEDS_NODE = pytest.mark.skipif(_major() < _LEAST, reason=f"node {_LEAST} or newer is not installed")


async def run_node(*arguments: str | Path, seconds: float = 100, **variables: Any) -> str:
    """Runs Node with a global WebSocket, and returns what it printed.

    Args:
        arguments: Its arguments.
        seconds: After which it is stuck.
        variables: Of its environment, as JSON.

    Raises:
        AssertionError: It failed or is stuck; with all that it printed.
    """
    assert NODE is not None
    # Node 20 has the global of Node 22 behind a flag.
    flags = ["--experimental-websocket"] if _major() < _WITH_WEBSOCKET else []
    process = await asyncio.create_subprocess_exec(
        NODE,
        *flags,
        *map(str, arguments),
        env={**os.environ, "NODE_NO_WARNINGS": "1", **{name: json.dumps(value) for name, value in variables.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(seconds):
            while part := await process.stdout.read(1 << 16):
                parts.append(part)
            await process.wait()
    except TimeoutError:
        parts.append(f"\nstuck after {seconds:g} s".encode())
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # the runner has a process for each file
            await process.wait()
    printed = b"".join(parts).decode(errors="replace")
    assert process.returncode == 0, printed
    return printed


async def run_suite(suite: Path, seconds: float = 170, **variables: Any) -> None:
    """Runs a file of tests with Node's own runner.

    Raises:
        AssertionError: A test failed, or there is none; with all that was printed.
    """
    flags = ("--test", "--test-reporter=spec", "--test-timeout=180000")
    printed = await run_node(*flags, suite, seconds=seconds, **variables)
    found = re.search(r"pass (\d+)", printed)
    assert found, printed
    assert int(found[1]) > 0, printed
