"""Fuzzed conversations over WebSockets in other servers' formats: right clients lose no word, others are refused."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Sequence

from auricle_server.bench.server.fast_websocket import ABNORMAL, FastWebSocket
from tests.torture.calls import difference
from tests.torture.dialects.conversations import CUT, STEADY, Exchange, ExchangeWriter
from tests.torture.dialects.grammar import CLOSE, Grammar, Message, decoded
from tests.torture.dialects.grammars import GRAMMARS
from tests.torture.fuzzing.conversations import frame
from tests.torture.phrases import phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread

_TOGETHER = 12
_END_SECONDS = 60.0
_NORMAL, _BAD_REQUEST, _FULL = 1000, 400, 503


class _Connection:
    """One connection that sends an exchange and collects the answers."""

    def __init__(self, target: Target, grammar: Grammar, exchange: Exchange) -> None:
        self.messages: list[Message] = []
        self.malformed: list[str] = []
        self._closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._target, self._grammar, self._exchange = target, grammar, exchange
        self._says_goodbye = exchange.kind == STEADY and not grammar.end
        self._wire = FastWebSocket(target.host, target.port, self._open, self._receive, self._close, exchange.url)

    async def run(self) -> int:
        """Returns the close code, or the status of a refusal.

        Raises:
            TimeoutError: The server neither answered nor closed.
        """
        target, connect = self._target, asyncio.get_running_loop().create_connection
        await connect(lambda: self._wire, target.host, target.port, local_addr=(target.address, 0))
        try:
            return await asyncio.wait_for(self._closed, _END_SECONDS)
        finally:
            self._wire.cut()

    def _open(self) -> None:
        cut_after = self._exchange.cut_after
        sent = b"".join(self._exchange.frames)
        self._wire.send_audio(sent[:cut_after])
        if cut_after is not None:
            asyncio.get_running_loop().call_later(0.01, self._wire.cut)

    def _receive(self, text: bytes) -> None:
        try:
            message = decoded(text)
        except (ValueError, TypeError) as error:
            self.malformed.append(f"{error!r} in {text[:100]!r}")
            return
        if message.get("type") not in self._grammar.answers:
            self.malformed.append(f"no message of the format: {text[:100]!r}")
        if any(fault.encode() in text for fault in self._grammar.faults):
            self.malformed.append(f"a fault of the server: {text[:200]!r}")
        self.messages.append(message)
        if self._says_goodbye and self._grammar.answered(self.messages) >= self._exchange.finalizes:
            self._says_goodbye = False
            self._wire.send_audio(frame(CLOSE, struct.pack(">H", _NORMAL)))

    def _close(self, code: int) -> None:
        if not self._closed.done():
            self._closed.set_result(code)


async def websocket_fuzz(target: Target) -> TrialResult:
    """At least `target.amount` messages, in all formats alike."""
    result = TrialResult("fuzzed formats", f"{target.amount} messages in the formats of Deepgram, OpenAI and vLLM")
    rng = random.Random(target.seed)
    writers = [ExchangeWriter(grammar, phrases(target.seed + at), rng) for at, grammar in enumerate(GRAMMARS)]

    async def exchange(number: int) -> None:
        writer = writers[number % len(writers)]
        made = writer.write()
        result.counts["messages"] += len(made.frames)
        while not await _tried(target, writer.grammar, made, result):
            pass

    exchanges, round_of = 0, len(writers) * 4
    began = asyncio.get_running_loop().time()
    while result.counts["messages"] < target.amount:
        done = result.counts["messages"] / target.amount
        left = max(0.0, began + target.seconds - asyncio.get_running_loop().time())
        mean = max(1.0, result.counts["messages"] / exchanges if exchanges else 20.0)
        amount = max(round_of, round((target.amount - result.counts["messages"]) / mean))
        await spread(amount, left * (1 - done), _TOGETHER, exchange)
        exchanges += amount
    return result


async def _tried(target: Target, grammar: Grammar, exchange: Exchange, result: TrialResult) -> bool:
    """Runs an exchange; False when the server was full."""
    connection = _Connection(target, grammar, exchange)
    try:
        code = await connection.run()
    except TimeoutError:
        result.fail(f"{grammar.name}: no end within {_END_SECONDS:g} s of {_brief(exchange)}")
        return True
    except OSError as error:
        result.fail(f"{grammar.name}: no connection: {error!r}")
        return True
    if code == _FULL:
        result.counts["refused, tried again"] += 1
        await asyncio.sleep(0.5)
        return False
    result.counts["connections"] += 1
    result.counts[f"{exchange.kind} ones of {grammar.name}"] += 1
    for problem in (*connection.malformed, *problems(grammar, exchange, connection.messages, code)):
        result.fail(f"{grammar.name}: {problem}; {_brief(exchange)}")
    if exchange.kind == STEADY:
        said, heard = exchange.said.split(), grammar.words(connection.messages).split()
        lost, added = difference(said, heard)
        result.counts["words"] += len(said)
        result.lost += len(lost)
        result.added += len(added)
    return True


def problems(grammar: Grammar, exchange: Exchange, messages: Sequence[Message], code: int) -> list[str]:
    """What a right server would not have answered.

    Args:
        grammar: Of the format.
        exchange: What was sent.
        messages: The answers.
        code: With which the server closed.
    """
    if exchange.kind == CUT:
        return [] if code in {ABNORMAL, _NORMAL, _BAD_REQUEST} | grammar.close_codes else [f"closed with {code}"]
    if exchange.kind != STEADY:
        allowed = {_NORMAL, _BAD_REQUEST} | grammar.close_codes
        return [] if code in allowed else [f"closed with {code}"]
    found = [] if code == _NORMAL else [f"closed with {code}"]
    if (heard := grammar.words(messages)) != exchange.said:
        found.append(f"heard {heard!r} of {exchange.said!r}")
    if (answered := grammar.answered(messages)) < exchange.finalizes:
        found.append(f"{answered} answers to {exchange.finalizes} finalizes")
    if (refusals := grammar.refusals(messages)) != exchange.refusals:
        found.append(f"{refusals} refusals of {exchange.refusals} broken messages")
    return found


def _brief(exchange: Exchange) -> str:
    return f"{exchange.kind} {exchange.url[:200]!r}, last {[each[:120] for each in exchange.frames[-4:]]!r}"
