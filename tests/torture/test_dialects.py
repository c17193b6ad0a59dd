"""The fuzzed formats of `make torture` in little, on a server in this process: what it leaves behind can be seen."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Awaitable, Callable

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.support import tones
from tests.torture.dialects.riva_fuzz import riva_fuzz
from tests.torture.dialects.slow_formats import slow_formats
from tests.torture.dialects.upload_fuzz import upload_fuzz
from tests.torture.dialects.websocket_fuzz import websocket_fuzz
from tests.torture.plan import Target
from tests.torture.result import TrialResult

AMOUNTS: dict[Callable[[Target], Awaitable[TrialResult]], int] = {
    websocket_fuzz: 500,
    upload_fuzz: 60,
    riva_fuzz: 40,
    slow_formats: 1,
}
_LEAVING_SECONDS = 20.0


@pytest.mark.parametrize("trial", AMOUNTS, ids=lambda trial: trial.__name__)
@pytest.mark.parametrize("seed", [11, 12])
async def test_no_format_loses_words_or_leaves_tasks_behind(
    trial: Callable[[Target], Awaitable[TrialResult]], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    port = _riva_port()
    config = ServerConfig(
        model=str(tones.CHECKPOINT), slots=64, device="cpu", max_load=0, stall_seconds=5, riva_port=port
    )
    async with serve_locally(config) as url:
        before = {task.get_coro() for task in asyncio.all_tasks()}
        with caplog.at_level(logging.WARNING):
            address = "" if port is None else f"127.0.0.1:{port}"
            result = await trial(Target(url, AMOUNTS[trial], 0.0, seed, answer_timeout=30.0, riva=address))
        assert result.holds, result.problems
        assert result.counts.total() or result.skipped
        async with asyncio.timeout(_LEAVING_SECONDS):
            while left := [task for task in asyncio.all_tasks() if task.get_coro() not in before and not _waits(task)]:
                await asyncio.wait(left, timeout=0.1)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def _riva_port() -> int | None:
    """A free port where clients of Riva can be served."""
    if importlib.util.find_spec("grpc") is None:
        return None
    from tests.support.servers.riva import free_port

    return free_port()


def _waits(task: asyncio.Task[object]) -> bool:
    """Whether it is gRPC's own, which waits for the next call."""
    return getattr(task.get_coro(), "__qualname__", "") == "AioServer._request_call"
