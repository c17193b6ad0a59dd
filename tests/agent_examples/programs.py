"""Runs the examples as their users do: as programs, which print the words."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from json import loads
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "agent_examples"
PATIENCE = 100.0
"""Seconds after which an example counts as stuck, also on a busy machine."""


def clip() -> tuple[Path, str]:
    """A bundled recording of a clean voice, and its words."""
    folder = Path(str(files("auricle_server"))) / "demo" / "audio"
    entry = loads((folder / "manifest.json").read_text())[0]
    return folder / entry["file"], entry["text"]


async def run(name: str, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """Runs an example to its end; returns the lines that stay on the screen."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, EXAMPLES / name, *arguments),
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return [re.split(r"\r|\x1b\[K", line)[-1] for line in output.decode().replace("\r\n", "\n").split("\n")]


def said(lines: list[str], mark: str = "> ") -> str:
    """What one side has said, without the delays that are printed beside it."""
    return " ".join(re.sub(r"\s+\[.*\]$", "", line[len(mark) :]) for line in lines if line.startswith(mark)).strip()
