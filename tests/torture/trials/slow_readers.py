"""Clients that read slowly or not at all: the first get every final, the others are cut off and hold up no one."""

from __future__ import annotations

import asyncio
import json
import socket
from itertools import islice

from auricle_server.bench.server.fast_websocket import frame
from tests.torture.phrases import phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread
from tests.torture.trials.raw_upgrade import NATIVE, frames_in, upgrade

_TOGETHER = 8
_TEXT, _BINARY = 0x81, 0x82
_NORMAL = 1000
_SMALL_BUFFER = 4096
_CUT_SECONDS = 90.0
"""Much longer than the server's own patience with a client that does not read."""
_PHRASES = 3
_FLOOD = 10_000
"""Finalizes in one piece, of a client that reads none of their answers."""


async def slow_readers(target: Target) -> TrialResult:
    """`target.amount` clients; every second one never reads."""
    result = TrialResult("slow readers", f"{target.amount} clients that read slowly or never")

    async def read_slowly(number: int) -> None:
        await (_never if number % 2 else _slowly)(target, number, result)

    await spread(target.amount, target.seconds, _TOGETHER, read_slowly)
    return result


async def connected(target: Target, path: str = NATIVE) -> tuple[socket.socket, bytes]:
    """A connection, and what has been received on it: the answer to its upgrade."""
    loop = asyncio.get_running_loop()
    opened = socket.socket()
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    opened.bind((target.address, 0))
    await loop.sock_connect(opened, (target.host, target.port))
    await loop.sock_sendall(opened, upgrade(path))
    answer = b""
    # RFC 6455, section 4.1: nothing more may be sent before the server's answer.
    while b"\r\n\r\n" not in answer:
        if not (piece := await loop.sock_recv(opened, 200)):
            raise ConnectionResetError(f"closed before the upgrade, after {answer!r}")
        answer += piece
    return opened, answer


async def _slowly(target: Target, number: int, result: TrialResult) -> None:
    """Sends phrases at once and reads the answers in small pieces with pauses between."""
    loop, talk = asyncio.get_running_loop(), list(islice(phrases(target.seed + number), _PHRASES))
    messages = [frame(_TEXT, b'{"type":"start","latency_ms":80,"turn":{"mode":"off"},"words":true}')]
    for at, phrase in enumerate(talk):
        messages += [
            frame(_BINARY, phrase.audio[start : start + 32_000]) for start in range(0, len(phrase.audio), 32_000)
        ]
        messages.append(frame(_TEXT, b'{"type":"finalize","id":"%d"}' % at))
    messages.append(frame(_TEXT, b'{"type":"end"}'))
    opened, received = await connected(target)
    with opened:
        sending = asyncio.create_task(loop.sock_sendall(opened, b"".join(messages)))
        try:
            async with asyncio.timeout(_CUT_SECONDS):
                while piece := await loop.sock_recv(opened, 200):
                    received += piece
                    await asyncio.sleep(0.02)
        except (TimeoutError, ConnectionError) as error:
            result.fail(f"reader {number} was not served to the end: {error!r}")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    texts, code = frames_in(received)
    finals = [event["text"] for event in map(json.loads, texts) if event["type"] == "final" and event["text"]]
    result.counts["slow readers served"] += 1
    result.check(code == _NORMAL, f"reader {number} was closed with {code}")
    result.check(finals == [phrase.text for phrase in talk], f"reader {number} heard other finals")


async def _never(target: Target, number: int, result: TrialResult) -> None:
    """Asks for answers that it never reads, until the server has had enough."""
    loop = asyncio.get_running_loop()
    flood = b"".join(frame(_TEXT, b'{"type":"finalize","id":"%d"}' % at) for at in range(_FLOOD))
    opened, _ = await connected(target)
    with opened:
        try:
            async with asyncio.timeout(_CUT_SECONDS):
                await loop.sock_sendall(opened, frame(_TEXT, b'{"type":"start","latency_ms":80}'))
                while True:  # until every buffer on the way is full, and the server does something about it
                    await loop.sock_sendall(opened, flood)
        except ConnectionError:
            result.counts["clients that never read cut off"] += 1
        except TimeoutError:
            result.fail(f"reader {number} never read and was not cut off within {_CUT_SECONDS:g} s")
