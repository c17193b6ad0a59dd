"""Thousands of streams of one phrase, as an agent that is opened for each sentence makes them."""

from __future__ import annotations

import random
from itertools import islice

import aiohttp

from auricle import AuricleError
from auricle.client import AuricleClient
from auricle.protocol.client_messages import Start
from tests.torture.calls import ASKED, LATENCIES, TURNS, converse
from tests.torture.phrases import Phrase, phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread

_TOGETHER = 6
_SPEED = 4.0
"""Times the speed of speech: a recorded sentence, sent quickly."""
_RUDE = ("left without a word", "left in the middle", "left after the start")
"""One in five clients goes without its end; its slot must be free again."""


async def short_streams(target: Target) -> TrialResult:
    """`target.amount` streams; the words of each are compared, and those of the rude are nobody's."""
    result = TrialResult("short streams", f"{target.amount} streams of one phrase")
    talk = phrases(target.seed)
    connector = aiohttp.TCPConnector(local_addr=(target.address, 0), force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = AuricleClient(target.url, session=session, answer_timeout=target.answer_timeout)

        async def open_one(number: int) -> None:
            rng = random.Random(target.seed + number)
            phrase = next(talk)
            if rng.random() < 0.2:
                try:
                    await _leave(target, session, phrase, rng.choice(_RUDE), result)
                except (aiohttp.ClientError, TimeoutError) as error:
                    result.fail(f"stream {number} was cut off: {error!r}")
                return
            turn, latency_ms = rng.choice((ASKED, TURNS)), rng.choice(LATENCIES)
            try:
                stream = await client.open(Start(latency_ms=latency_ms, turn=turn))
            except AuricleError as error:
                result.ended += 1
                result.fail(f"stream {number} was not opened: {error!r}")
                return
            async with stream:
                outcome = await converse(stream, islice([phrase], 1), ask=turn is ASKED, speed=_SPEED)
            result.judge(f"stream {number}", outcome)

        await spread(target.amount, target.seconds, _TOGETHER, open_one)
    return result


async def _leave(target: Target, session: aiohttp.ClientSession, phrase: Phrase, how: str, result: TrialResult) -> None:
    """Opens a stream and cuts its connection."""
    socket = await session.ws_connect(f"{target.url}/v1/stream")
    if how != _RUDE[0]:
        await socket.send_str('{"type":"start","latency_ms":80}')
    if how == _RUDE[1]:
        await socket.send_bytes(phrase.audio[: len(phrase.audio) // 4 * 2])
        await socket.receive(10)
    connection = socket._response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    result.counts[how] += 1
