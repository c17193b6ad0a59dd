"""A server around the real engine on the two-tone checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from tests.support.tones import CHECKPOINT

Serve = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    engine = Engine(load_checkpoint(str(CHECKPOINT)), slots=6, device="cpu", threads=1)
    engine.warm_up()
    return engine


@pytest.fixture
def serve(engine: Engine) -> Serve:
    """Starts a server; its options are those of `ServerConfig` and `Limits`. All slots must be free at its end."""

    @asynccontextmanager
    async def start(**options: Any) -> AsyncIterator[str]:
        limits = {name: options.pop(name) for name in list(options) if hasattr(DEFAULT_LIMITS, name)}
        # How fast this machine is must not decide here: `test_faults_server_full` has streams refused for lack of time.
        config = ServerConfig(limits=replace(DEFAULT_LIMITS, **limits), **{"max_load": 0.0, **options})
        async with serve_locally(config, engine=engine) as url:
            yield url
        assert engine.slots_used == 0

    return start


@pytest.fixture
async def url(serve: Serve) -> AsyncIterator[str]:
    async with serve() as url:
        yield url
