"""Clients of other servers' formats that read slowly or not at all: as in `slow_readers`, with their own messages."""

from __future__ import annotations

import asyncio
from itertools import islice

from tests.torture.dialects.conversations import resampled
from tests.torture.dialects.grammar import TEXT, Grammar, decoded
from tests.torture.dialects.grammars import GRAMMARS
from tests.torture.fuzzing.conversations import frame
from tests.torture.phrases import phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread
from tests.torture.trials.raw_upgrade import frames_in
from tests.torture.trials.slow_readers import connected

_TOGETHER = 8
_CUT_SECONDS = 90.0
_PHRASES = 2
_PIECE = 32_000
_FLOOD = 10_000


async def slow_formats(target: Target) -> TrialResult:
    """`target.amount` clients; every second one never reads."""
    result = TrialResult("slow readers of formats", f"{target.amount} clients of other servers' formats")

    async def read_slowly(number: int) -> None:
        grammar = GRAMMARS[number // 2 % len(GRAMMARS)]
        await (_never if number % 2 else _slowly)(target, grammar, number, result)

    await spread(target.amount, target.seconds, _TOGETHER, read_slowly)
    return result


async def _slowly(target: Target, grammar: Grammar, number: int, result: TrialResult) -> None:
    """Sends phrases at once and reads the answers in small pieces with pauses between."""
    loop, talk = asyncio.get_running_loop(), list(islice(phrases(target.seed + number), _PHRASES))
    messages = [frame(TEXT, text.encode()) for text in grammar.first]
    for phrase in talk:
        audio = resampled(phrase.audio, grammar.rate)
        messages += [frame(*grammar.audio(audio[at : at + _PIECE])) for at in range(0, len(audio), _PIECE)]
        messages.append(frame(TEXT, grammar.finalize.encode()))
    messages += [frame(TEXT, grammar.end.encode())] if grammar.end else []
    opened, received = await connected(target, f"{grammar.path}?{grammar.right}&latency_ms=80")
    said, heard = " ".join(phrase.text for phrase in talk), ""
    with opened:
        sending = asyncio.create_task(loop.sock_sendall(opened, b"".join(messages)))
        try:
            async with asyncio.timeout(_CUT_SECONDS):
                while heard != said and (piece := await loop.sock_recv(opened, 400)):
                    received += piece
                    texts, _ = frames_in(received)
                    heard = grammar.words(list(map(decoded, texts)))
                    await asyncio.sleep(0.02)
        except (TimeoutError, ConnectionError) as error:
            result.fail(f"{grammar.name}: reader {number} was not served to the end: {error!r}")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    result.counts[f"slow readers of {grammar.name}"] += 1
    result.check(heard == said, f"{grammar.name}: reader {number} heard {heard!r} of {said!r}")


async def _never(target: Target, grammar: Grammar, number: int, result: TrialResult) -> None:
    """Asks for answers that it never reads, until the server has had enough."""
    loop = asyncio.get_running_loop()
    asked = (grammar.refused[0], grammar.finalize)[number // 2 // len(GRAMMARS) % 2 if grammar.patient else 0]
    flood = frame(*grammar.audio(bytes(3_200))) + frame(TEXT, asked.encode()) * _FLOOD
    opened, _ = await connected(target, f"{grammar.path}?{grammar.right}&latency_ms=80")
    with opened:
        try:
            async with asyncio.timeout(_CUT_SECONDS):
                for text in grammar.first:
                    await loop.sock_sendall(opened, frame(TEXT, text.encode()))
                while True:  # until every buffer on the way is full, and the server does something about it
                    await loop.sock_sendall(opened, flood)
        except ConnectionError:
            result.counts["clients that never read cut off"] += 1
        except TimeoutError:
            result.fail(f"{grammar.name}: reader {number} never read and was not cut off within {_CUT_SECONDS:g} s")
