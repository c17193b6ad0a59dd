"""Fuzzed messages of all types over real sockets: each is refused as the protocol says, or works."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from auricle.protocol.codec import decode_event
from auricle.protocol.codes import CODES, ProtocolViolation
from auricle_server.bench.server.fast_websocket import FastWebSocket
from tests.torture.fuzzing.conversations import REFUSALS_OF_START, Conversation, ConversationWriter
from tests.torture.fuzzing.corpus import client_texts
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread

_CORPUS = 1000
_TOGETHER = 40
_MESSAGES_EACH = 15
"""Messages of an average conversation, by which they are spread over the time."""
_END_SECONDS = 60.0
_NORMAL, _REFUSED, _ABNORMAL = 1000, 503, 1006


class _FuzzedStream:
    """One connection that sends a conversation and collects the answers."""

    def __init__(self, target: Target, conversation: Conversation) -> None:
        self.events: list[dict[str, Any]] = []
        self.malformed: list[str] = []
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._conversation = conversation
        self._sent = False
        self._target = target
        self._wire = FastWebSocket(target.host, target.port, self._open, self._receive, self._close)

    async def run(self) -> int:
        """Returns the close code, or the status of a refusal.

        Raises:
            TimeoutError: The server neither answered nor closed.
        """
        loop, target = asyncio.get_running_loop(), self._target
        await loop.create_connection(lambda: self._wire, target.host, target.port, local_addr=(target.address, 0))
        try:
            return await asyncio.wait_for(self.closed, _END_SECONDS)
        finally:
            self._wire.cut()

    @property
    def started(self) -> bool:
        """Whether the server took the start, and so got the other messages."""
        return self._sent

    def _open(self) -> None:
        self._wire.send_audio(self._conversation.start)

    def _receive(self, message: bytes) -> None:
        try:
            decode_event(message.decode())
        except (ProtocolViolation, UnicodeDecodeError) as error:
            self.malformed.append(f"{error!r} in {message[:100]!r}")
        self.events.append(json.loads(message))
        # What follows a start waits for its answer, so that a refusal is not lost with what it leaves unread.
        if not self._sent and self.events[-1]["type"] == "ready":
            self._sent = True
            self._wire.send_audio(b"".join(self._conversation.rest))

    def _close(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)


async def message_fuzz(target: Target) -> TrialResult:
    """At least `target.amount` messages."""
    result = TrialResult("fuzzed messages", f"{target.amount} messages of all types")
    writer = ConversationWriter(client_texts(_CORPUS, target.seed), random.Random(target.seed))

    async def converse(_: int) -> None:
        while result.counts["messages"] < target.amount:
            conversation = writer.write()
            if await _tried(target, conversation, result):
                return

    while (left := target.amount - result.counts["messages"]) > 0:
        share = left / target.amount
        await spread(max(1, left // _MESSAGES_EACH), share * target.seconds, _TOGETHER, converse)
    return result


async def _tried(target: Target, conversation: Conversation, result: TrialResult) -> bool:
    """Runs a conversation; False when the server was full."""
    stream = _FuzzedStream(target, conversation)
    try:
        code = await stream.run()
    except TimeoutError:
        code = _ABNORMAL
        result.fail(f"no end within {_END_SECONDS:g} s of {_brief(conversation)}")
    except OSError as error:
        result.fail(f"no connection: {error!r}")
        await asyncio.sleep(0.5)
        return False
    if code == _REFUSED:
        result.counts["refused, tried again"] += 1
        await asyncio.sleep(0.5)
        return False
    result.counts["connections"] += 1
    result.counts["messages"] += conversation.messages if stream.started else 1
    for problem in (*stream.malformed, *problems(conversation, stream.events, code)):
        result.fail(f"{problem}; {_brief(conversation)}")
    for event in stream.events:
        if event["type"] == "error":
            result.counts[event["code"]] += 1
    return True


def problems(conversation: Conversation, events: list[dict[str, Any]], code: int) -> list[str]:
    """What a right server would not have answered.

    Args:
        conversation: What was sent.
        events: The answers.
        code: With which the server closed.
    """
    fatal = [event["code"] for event in events if event["type"] == "error" and event["fatal"]]
    if len(fatal) > 1:
        return [f"several fatal errors {fatal}"]
    if fatal:
        return _of_refusal(
            conversation.expected | (REFUSALS_OF_START if len(events) == 1 else frozenset()), fatal[0], code
        )
    if conversation.expected:
        return [f"closed with {code} and no error where {set(conversation.expected)} were right"]
    answers = sum(event["type"] == "final" and "finalize_id" in event for event in events)
    if code != _NORMAL or answers != conversation.finalizes:
        return [f"closed with {code} and {answers} answers to {conversation.finalizes} finalizes"]
    return []


def _of_refusal(allowed: frozenset[str], fatal: str, code: int) -> list[str]:
    if fatal not in allowed:
        return [f"the fatal error {fatal} where {set(allowed)} were right"]
    return [] if code == CODES[fatal].close_code else [f"closed with {code} after {fatal}"]


def _brief(conversation: Conversation) -> str:
    last = (conversation.rest or [conversation.start])[-1]
    return f"start {conversation.start[:160]!r}, last {last[:160]!r}"
