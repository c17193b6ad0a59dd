"""A whole server in one process, for tests, the demo and the command line: its only socket is the listening one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from auricle_server.checkpoints.progress import Report
from auricle_server.config import ServerConfig
from auricle_server.gateway.http.server import listening, until_ready
from auricle_server.gateway.workers.model_pools import ModelChannels
from auricle_server.ipc import InProcessChannel
from auricle_server.served_models import ServedModel, served_models
from auricle_server.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from auricle_server.engine import Engine

log = logging.getLogger(__name__)

_READY_SECONDS = 30.0


@asynccontextmanager
async def serve_locally(
    config: ServerConfig | None = None,
    *,
    model: str | None = None,
    port: int = 0,
    engine: Engine | None = None,
    report: Report | None = None,
    tracing: Tracing | None = None,
) -> AsyncIterator[str]:
    """A server on the loopback, ready for streams, whose workers run in threads of this process, one for each model.

    Args:
        config: How it runs; ``host`` and ``port`` are replaced.
        model: Replaces the model in `config`.
        port: Port to listen at; 0 takes a free one.
        engine: Used instead of one made from `config`, which names one model then.
        report: Receives the progress of a download and of unpacking, on another thread; None logs it.
        tracing: Makes the spans; None leaves it to `config`.

    Yields:
        The server's URL, ``ws://127.0.0.1:PORT``, or ``wss://`` with a certificate.
    """
    config = replace(config or ServerConfig(), host="127.0.0.1", port=port)
    if model is not None:
        config = replace(config, model=model)
    models, stop = served_models(config), threading.Event()
    channels, threads = [InProcessChannel() for _ in models], list[threading.Thread]()
    try:
        for each, channel in zip(models, channels, strict=True):
            # Off the loop: an engine is built and warmed up there.
            threads.append(await asyncio.to_thread(_start_worker, config, each, engine, channel, stop, report))
        gateways = [
            ModelChannels([channel.gateway()], each.name) for each, channel in zip(models, channels, strict=True)
        ]
        async with listening(config, gateways, tracing=tracing) as (gateway, bound):
            await until_ready(gateway, _READY_SECONDS)
            yield f"{config.scheme}://127.0.0.1:{bound}"
    finally:
        stop.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)


def _start_worker(
    config: ServerConfig,
    model: ServedModel,
    engine: Engine | None,
    channel: InProcessChannel,
    stop: threading.Event,
    report: Report | None = None,
) -> threading.Thread:
    from auricle_server.worker.factory import build_admission, build_engine, model_info
    from auricle_server.worker.loop import Worker

    config = model.config(config)
    engine = engine or build_engine(config, report=report)
    info = model_info(engine, config.default_latency_ms, model.name)
    worker = Worker(engine, channel.worker, info, build_admission(config, engine))
    thread = threading.Thread(target=worker.run, args=(stop,), name="auricle-worker", daemon=True)
    thread.start()
    return thread
