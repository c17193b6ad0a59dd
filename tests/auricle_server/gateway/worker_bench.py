"""A gateway and its workers around stand-in engines, for tests that stop and start the workers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp

from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.gateway.http.app import Gateway
from auricle_server.gateway.http.server import listening, until_ready
from auricle_server.ipc import InProcessChannel
from auricle_server.worker.admission import Admission, StepCalibration
from auricle_server.worker.factory import model_info
from auricle_server.worker.loop import Worker
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.raw_client import until

HELLO = speech("one", None, "two", None)


class Bench:
    """A gateway and workers around stand-in engines, each in a thread, to be stopped and started."""

    def __init__(self, *engines: FakeEngine, calibration: StepCalibration | None = None) -> None:
        self.engines = engines
        self._calibration = calibration
        self.links = [InProcessChannel() for _ in engines]
        self._stops = [threading.Event() for _ in engines]
        self._threads: list[threading.Thread | None] = [None for _ in engines]
        self.gateway: Gateway
        self.url = ""

    def start(self, index: int) -> None:
        engine = self.engines[index].as_engine()
        known = self._calibration
        admission = None if known is None else Admission(engine.info.latencies_ms, 0.8, known)
        it = Worker(engine, self.links[index].worker, model_info(engine), admission)
        self._stops[index].clear()
        thread = self._threads[index] = threading.Thread(target=it.run, args=(self._stops[index],), daemon=True)
        thread.start()

    async def stop(self, index: int) -> None:
        self._stops[index].set()
        thread = self._threads[index]
        if thread is not None:
            await asyncio.to_thread(thread.join)

    async def readiness(self) -> int:
        async with aiohttp.ClientSession() as http, http.get(self.url.replace("ws", "http", 1) + "/readyz") as answer:
            return answer.status

    async def until_readiness(self, status: int) -> None:
        async def reached() -> bool:
            return await self.readiness() == status

        await until(reached)


@asynccontextmanager
async def bench(
    *engines: FakeEngine, calibration: StepCalibration | None = None, **options: Any
) -> AsyncIterator[Bench]:
    limits = {name: options.pop(name) for name in list(options) if hasattr(DEFAULT_LIMITS, name)}
    config = ServerConfig(port=0, limits=replace(DEFAULT_LIMITS, **limits), **options)
    table = Bench(*engines, calibration=calibration)
    for index in range(len(engines)):
        table.start(index)
    async with listening(config, [link.gateway() for link in table.links]) as (gateway, port):
        table.gateway, table.url = gateway, f"ws://127.0.0.1:{port}"
        await until_ready(gateway, 10)  # which it is with one worker of several
        await until(lambda: all(client.ready for client in gateway.workers.clients))
        yield table
    for index in range(len(engines)):
        await table.stop(index)
        assert table.engines[index].slots_used == 0
