"""What the tests of all wire formats share: a server around the real engine, and a clock that runs fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
import pytest
import torch  # noqa: F401 - where it is absent, this says so, and the tests are skipped

from auricle_server.gateway.http import session_opener
from tests.auricle_server.gateway.conftest import engine, serve, url

__all__ = ["engine", "fast_server_clock", "serve", "url"]

SCALE = 600.0
"""Seconds of the server's clock in one of ours: an hour is six."""


@pytest.fixture
def fast_server_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """The clock by which the server judges how long its clients are idle. Give it patience: 600 s are one of ours."""
    began = time.monotonic()

    def now() -> float:
        return (time.monotonic() - began) * SCALE

    monkeypatch.setattr(session_opener, "time", SimpleNamespace(monotonic=now))
    return now


async def was_refused(url: str) -> bool:
    """Whether the server has refused a stream because it is full."""
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/metrics") as answer:
        return 'auricle_refused_total{code="server_full"}' in await answer.text()
