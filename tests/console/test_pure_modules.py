"""The page's modules that need no browser, by the test runner of Node."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

NODE = shutil.which("node")
SUITES = sorted(Path(__file__).parent.glob("*.test.mjs"))

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def test_there_are_suites() -> None:
    assert SUITES


@pytest.mark.parametrize("suite", [pytest.param(suite, id=suite.name.removesuffix(".test.mjs")) for suite in SUITES])
async def test_of_node_hold(suite: Path) -> None:
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE, "--test", str(suite), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode(errors="replace")
