from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from auricle_server.demo import server_process
from auricle_server.demo.server_process import ServerFailed, serve


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Runs Python code in place of the server."""
    real = asyncio.create_subprocess_exec

    async def start(*_arguments: str, **options: Any) -> object:
        return await real(sys.executable, "-uc", code, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)


async def test_the_url_comes_from_the_line_that_announces_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "print('loading'); print('Auricle is ready at ws://127.0.0.1:7'); input()\nimport time; time.sleep(60)"
    run_instead(monkeypatch, code.replace("input()", "print('x' * 200_000)"))  # more than a pipe holds
    async with serve("demo") as (url, seconds):
        assert url == "ws://127.0.0.1:7"
        assert seconds > 0


async def test_a_server_that_exits_fails_with_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "print('no such model')")
    with pytest.raises(ServerFailed, match="the server exited; its output:\nno such model"):
        async with serve("nothing"):
            pass


async def test_a_server_that_is_never_ready_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(server_process, "START_SECONDS", 0.2)
    with pytest.raises(ServerFailed, match="not ready after 0 s; its output:\nnone"):
        async with serve("demo"):
            pass


async def test_a_server_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    run_instead(monkeypatch, f"{ignore}print('ready at ws://x', flush=True); time.sleep(60)")
    monkeypatch.setattr(server_process, "STOP_SECONDS", 0.2)
    async with serve("demo") as (url, _):
        assert url == "ws://x"
