"""More connections than the server has descriptors for, each with half a request; others must still be served."""

from __future__ import annotations

import asyncio
import socket
from itertools import cycle, islice

import aiohttp

from auricle import AuricleError, connect
from auricle.protocol.client_messages import Start
from tests.torture.calls import ASKED, converse
from tests.torture.phrases import phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult

HALVES = (
    b"",
    b"GET /v1/str",
    b"GET /v1/stream HTTP/1.1\r\nHost: torture\r\nX-Half: ",
    b"GET /healthz HTTP/1.1\r\n" + b"X-Long: " + b"a" * 4000,
    b"POST /v1/stream HTTP/1.1\r\nHost: torture\r\nContent-Length: 1000000\r\n\r\nhalf",
)
_HEALTH_SECONDS = 10.0
"""An answer that takes longer is none to whoever asks whether the server lives."""
_PROBES = 3


async def half_requests(target: Target) -> TrialResult:
    """`target.amount` connections that are held for the trial's time."""
    result = TrialResult("half-sent requests", f"{target.amount} connections that send half a request")
    loop = asyncio.get_running_loop()
    held: list[socket.socket] = []
    try:
        halves = islice(cycle(HALVES), target.amount)
        held += [await _half(loop, target, half, result) for half in halves]
        for probe in range(_PROBES):
            await asyncio.sleep(target.seconds / _PROBES)
            await _probe(target, probe, result)
        result.counts["cut off by the server"] = sum([await _closed(loop, each) for each in held])
    finally:
        for each in held:
            each.close()
    await _probe(target, _PROBES, result)
    return result


async def _half(loop: asyncio.AbstractEventLoop, target: Target, half: bytes, result: TrialResult) -> socket.socket:
    opened = socket.socket()
    opened.setblocking(False)
    opened.bind((target.address, 0))
    try:
        async with asyncio.timeout(1):
            await loop.sock_connect(opened, (target.host, target.port))
            await loop.sock_sendall(opened, half)
        result.counts["half requests"] += 1
    except (TimeoutError, OSError):
        result.counts["refused at once"] += 1
    return opened


async def _closed(loop: asyncio.AbstractEventLoop, opened: socket.socket) -> bool:
    """Whether the server has closed the connection."""
    try:
        async with asyncio.timeout(0.01):
            while await loop.sock_recv(opened, 4096):
                pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


async def _probe(target: Target, number: int, result: TrialResult) -> None:
    """The server says that it lives, and takes a stream."""
    health = target.url.replace("ws", "http", 1) + "/healthz"
    timeout = aiohttp.ClientTimeout(total=_HEALTH_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(health) as answer:
            result.check(answer.status == 200, f"/healthz answered {answer.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        result.fail(f"/healthz was cut off: {error!r}")
    try:
        async with connect(target.url, start=Start(latency_ms=80, turn=ASKED)) as stream:
            phrase = next(phrases(target.seed + number))
            result.judge(f"new stream {number}", await converse(stream, [phrase], ask=True, speed=5))
    except AuricleError as error:
        result.ended += 1
        result.fail(f"a new stream was cut off: {error!r}")
