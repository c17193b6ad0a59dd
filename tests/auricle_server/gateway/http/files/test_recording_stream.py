"""A recording outlives its worker, where nothing of the answer has been sent; and ends with its server."""

from __future__ import annotations

import asyncio
import json

import numpy as np

from tests.auricle_server.audio_files.recordings import encoded
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.gateway.http.files.uploads import PATH, form, metric, posted
from tests.auricle_server.gateway.worker_bench import Bench, bench
from tests.auricle_server.raw_client import until

WORDS = 100
PCM = np.frombuffer(speech(*("one", None, "two", None) * (WORDS // 2)), "<i2")
TEXT = " ".join(("one", "two") * (WORDS // 2))
RECORDING = encoded("WAV", "PCM_16", PCM)
SLOW = 0.02
"""Seconds of a step: the recording takes 1 to 2 s."""


async def post(url: str, **fields: str) -> tuple[int, str]:
    # The stand-in engine has no offline lane.
    async with posted(url, form(RECORDING, **fields), f"{PATH}?latency_ms=160&numerals=false") as answer:
        return answer.status, await answer.text()


async def begun(table: Bench, steps: int = 5) -> None:
    await until(lambda: metric_is(table.url, "auricle_streams", 1))
    await until(lambda: table.engines[0].steps >= steps)


async def metric_is(url: str, name: str, value: float) -> bool:
    return await metric(url, name) == value


async def test_a_recording_begins_anew_with_another_worker() -> None:
    async with bench(FakeEngine(step_seconds=SLOW), max_load=0.0) as table:
        asked = asyncio.create_task(post(table.url))
        await begun(table)
        await table.stop(0)
        await table.until_readiness(503)
        table.start(0)
        status, body = await asyncio.wait_for(asked, 60)
        assert (status, json.loads(body)["text"]) == (200, TEXT)


async def test_events_that_were_sent_are_not_sent_again() -> None:
    async with bench(FakeEngine(step_seconds=SLOW), max_load=0.0) as table:
        asked = asyncio.create_task(post(table.url, stream="true"))
        await begun(table)
        await table.stop(0)
        await table.until_readiness(503)
        table.start(0)
        status, body = await asyncio.wait_for(asked, 60)
        if status == 200:  # a final had been sent by then
            *_, last = [json.loads(line.removeprefix("data: ")) for line in body.split("\n\n") if line]
        else:
            assert status == 503
            last = json.loads(body)
        assert last["error"]["code"] == "worker_lost"


async def test_a_server_that_shuts_down_says_so() -> None:
    async with bench(FakeEngine(step_seconds=SLOW), max_load=0.0) as table:
        asked = asyncio.create_task(post(table.url))
        await begun(table)
        await table.gateway.close_connections()
        status, body = await asyncio.wait_for(asked, 60)
        assert (status, json.loads(body)["error"]["code"]) == (503, "shutting_down")


async def test_a_client_that_does_not_wait_frees_its_slot() -> None:
    async with bench(FakeEngine(step_seconds=SLOW), max_load=0.0) as table:
        asked = asyncio.create_task(post(table.url))
        await begun(table)
        asked.cancel()
        await until(lambda: table.engines[0].slots_used == 0)
        assert await metric_is(table.url, "auricle_streams", 0)
