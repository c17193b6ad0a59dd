"""Fuzzed uploads: right recordings lose no word, wrong ones are refused in words."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress

from tests.torture.calls import difference
from tests.torture.dialects.grammar import decoded
from tests.torture.dialects.upload_requests import UploadRequest, UploadWriter
from tests.torture.phrases import phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread

_TOGETHER = 6
_END_SECONDS = 60.0
_PIECES, _PIECE_PAUSE = 6, 0.1
_SLOW_READ, _READ_PAUSE = 400, 0.005
_INCOMPLETE_SECONDS = 3.0
"""For so long a client waits for the answer to a request that it does not end."""
_ALLOWED = frozenset({200, 400, 404, 405, 408, 411, 413, 414, 415, 417, 426, 431, 501, 503})
_FULL = 503


async def upload_fuzz(target: Target) -> TrialResult:
    """`target.amount` requests."""
    result = TrialResult("fuzzed uploads", f"{target.amount} requests with recordings, and questions")
    writer = UploadWriter(phrases(target.seed), random.Random(target.seed))

    async def upload(_: int) -> None:
        made = writer.write()
        while not await _tried(target, made, result):
            pass

    await spread(target.amount, target.seconds, _TOGETHER, upload)
    return result


async def _tried(target: Target, made: UploadRequest, result: TrialResult) -> bool:
    """Sends a request and judges its answer; False when the server was full."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            answer = await _answered(target, made)
    except TimeoutError:
        result.fail(f"no answer within {_END_SECONDS:g} s to {_brief(made)}")
        return True
    status, body = _read_answer(answer)
    if status == _FULL and made.said is not None:
        result.counts["refused, tried again"] += 1
        await asyncio.sleep(0.5)
        return False
    result.counts["requests"] += 1
    result.counts["cut off" if made.cut_after is not None else f"answered {status}" if status else "not answered"] += 1
    for problem in _problems(made, status, body, result):
        result.fail(f"{problem}; {_brief(made)}")
    return True


async def _answered(target: Target, made: UploadRequest) -> bytes:
    """All that the server sends, until it closes."""
    reader, writer = await asyncio.open_connection(target.host, target.port, local_addr=(target.address, 0))
    sending = asyncio.create_task(_send(writer, made))
    answer = b""
    try:
        if made.cut_after is not None:
            await sending
            return answer
        # The server may answer before all is sent, and close: the connection then breaks for whoever still sends.
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(None if made.complete else _INCOMPLETE_SECONDS):
                while piece := await reader.read(_SLOW_READ if made.slow else 1 << 16):
                    answer += piece
                    await asyncio.sleep(_READ_PAUSE if made.slow else 0)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()
    return answer


async def _send(writer: asyncio.StreamWriter, made: UploadRequest) -> None:
    sent = made.sent[: made.cut_after]
    size = max(1, len(sent) // _PIECES + 1) if made.slow else len(sent)
    with suppress(ConnectionError):
        for at in range(0, len(sent), size or 1):
            writer.write(sent[at : at + size])
            await writer.drain()
            await asyncio.sleep(_PIECE_PAUSE if made.slow else 0)


def _read_answer(answer: bytes) -> tuple[int, bytes]:
    """Status and body of an answer; status 0 without one."""
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return 0, b""
    return int(head.split(b" ", 2)[1]), _unchunked(body) if b"chunked" in head.lower() else body


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole


def _problems(made: UploadRequest, status: int, body: bytes, result: TrialResult) -> list[str]:
    if made.said is not None:
        return _of_right(made, status, body, result)
    if made.cut_after is not None or (status == 0 and not made.complete):
        return []
    if status not in _ALLOWED:
        return [f"answered {status}: {body[:200]!r}"]
    if body.startswith(b"{"):
        try:
            decoded(body)
        except (ValueError, TypeError) as error:
            return [f"{error!r} in {body[:200]!r}"]
    return []


def _of_right(made: UploadRequest, status: int, body: bytes, result: TrialResult) -> list[str]:
    said = (made.said or "").split()
    try:
        heard = _text(body.decode(), made.answer).split() if status == 200 else []
    except (ValueError, KeyError, IndexError) as error:
        return [f"{error!r} in {body[:200]!r}"]
    lost, added = difference(said, heard)
    result.counts["words"] += len(said)
    result.lost += len(lost)
    result.added += len(added)
    return [] if heard == said else [f"answered {status} and {heard} to {said}: {body[:200]!r}"]


def _text(body: str, answer: str) -> str:
    """The words in an answer."""
    if answer == "text":
        return body
    if answer == "text/event-stream":
        events = [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line.startswith("data: {")]
        return str(events[-1]["text"])
    message = json.loads(body)
    return str(
        message["results"]["channels"][0]["alternatives"][0]["transcript"] if "results" in message else message["text"]
    )


def _brief(made: UploadRequest) -> str:
    head, _, body = made.sent.partition(b"\r\n\r\n")
    kind = "right" if made.said is not None else "wrong"
    return (
        f"{kind}, cut after {made.cut_after}, {len(made.sent)} bytes: {head[:200]!r}, {body[:160]!r}...{body[-50:]!r}"
    )
