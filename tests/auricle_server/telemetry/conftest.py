"""A server whose spans stay in memory, around the real engine on the two-tone checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from auricle_server.telemetry.settings import TelemetryConfig
from tests.support.servers.traces import Traces
from tests.support.tones import CHECKPOINT

Observed = Callable[..., AbstractAsyncContextManager[tuple[str, Traces]]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    engine = Engine(load_checkpoint(str(CHECKPOINT)), slots=6, device="cpu", threads=1)
    engine.warm_up()
    return engine


@pytest.fixture
def observed(engine: Engine) -> Observed:
    """Starts a server; its options are those of `ServerConfig` and `TelemetryConfig`."""

    @asynccontextmanager
    async def start(**options: Any) -> AsyncIterator[tuple[str, Traces]]:
        names = TelemetryConfig.__slots__
        telemetry = TelemetryConfig(**{name: options.pop(name) for name in list(options) if name in names})
        traces = Traces()
        config = ServerConfig(max_load=0.0, telemetry=telemetry, **options)
        async with serve_locally(config, engine=engine, tracing=traces.tracing) as url:
            yield url, traces

    return start
