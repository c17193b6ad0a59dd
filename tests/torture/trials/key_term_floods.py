"""Streams that change a thousand key terms twice a second; no other stream may wait for that."""

from __future__ import annotations

import asyncio
import json
import random

import aiohttp

from tests.torture.phrases import VOCABULARY
from tests.torture.plan import Target
from tests.torture.result import TrialResult

_TERMS, _WORDS = 1000, 7
_EVERY = 0.5
_STARTING_SECONDS = 20.0


async def key_term_floods(target: Target) -> TrialResult:
    """`target.amount` streams that flood for the trial's time."""
    result = TrialResult("key term floods", f"{target.amount} streams with 1,000 new key terms twice a second")
    connector = aiohttp.TCPConnector(local_addr=(target.address, 0), force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for number in range(target.amount):
            group.create_task(_flood(session, target, random.Random(target.seed + number), result))
    return result


async def _flood(session: aiohttp.ClientSession, target: Target, rng: random.Random, result: TrialResult) -> None:
    loop = asyncio.get_running_loop()
    async with session.ws_connect(f"{target.url}/v1/stream") as socket:
        await socket.send_json({"type": "start", "latency_ms": 80})
        ready = json.loads((await socket.receive(_STARTING_SECONDS)).data)
        result.check(ready["type"] == "ready", f"a flooding stream was not opened: {ready}")
        reading = asyncio.create_task(_read(socket, result))
        until = loop.time() + target.seconds
        while loop.time() < until and not socket.closed:
            await socket.send_json({"type": "update", "keyterms": _terms(rng)})
            await socket.send_bytes(bytes(16_000))
            result.counts["updates"] += 1
            await asyncio.sleep(_EVERY)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(socket: aiohttp.ClientWebSocketResponse, result: TrialResult) -> None:
    """A server may refuse updates; it may not fail of them."""
    async for message in socket:
        event = json.loads(message.data)
        if event["type"] == "error":
            result.counts[f"answered {event['code']}"] += 1
            result.check(event["fault"] == "client" or event["code"] == "server_full", f"the server failed: {event}")


def _terms(rng: random.Random) -> list[str]:
    """Words that the model can write, so that it has an automaton to build."""
    return [" ".join(rng.choices(VOCABULARY, k=_WORDS)) for _ in range(_TERMS)]
