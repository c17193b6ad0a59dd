"""Connections that a bad network cuts at random moments: exact resumes, word for word."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

from auricle import ReconnectPolicy, connect
from auricle.protocol.client_messages import Start
from tests.faults.proxy import Passage, Proxy
from tests.torture.calls import ASKED, LATENCIES, TURNS, converse
from tests.torture.phrases import Phrase, phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult

_TOGETHER = 3
_LONGEST = 600.0
"""Seconds of speech after which a call ends and another begins."""
_BYTES_PER_SECOND = 32_000
_POLICY = ReconnectPolicy(attempts=100, first_delay=0.01, max_delay=0.1)
"""Patient, since some cuts come in storms."""


class _Cutter:
    """Cuts connections until the amount of a trial is reached, evenly over its time."""

    def __init__(self, target: Target) -> None:
        self.left = target.amount
        self._random = random.Random(target.seed)
        self._most = 2 * target.seconds * _TOGETHER / target.amount * _BYTES_PER_SECOND
        self._bounds: dict[Passage, float] = {}

    def __call__(self, passage: Passage) -> None:
        bound = self._bounds.get(passage)
        if bound is None:
            # Some cuts fall into the upgrade or the first answer.
            bound = self._bounds[passage] = self._random.uniform(100, self._most)
        if self.left and passage.up.passed + passage.down.passed > bound:
            self.left -= 1
            del self._bounds[passage]
            passage.cut()


async def connection_cuts(target: Target) -> TrialResult:
    """`target.amount` cuts over a few calls at a time."""
    result = TrialResult("cut connections", f"{target.amount} cuts of {_TOGETHER} live calls")
    async with Proxy(target.url).running() as proxy:
        proxy.on_bytes = cutter = _Cutter(target)

        async def call_on(first: int) -> None:
            number = first
            while cutter.left:
                turn, latency_ms = (ASKED, TURNS)[number % 2], LATENCIES[number % len(LATENCIES)]
                start = Start(latency_ms=latency_ms, turn=turn)
                async with connect(
                    proxy.url, start=start, reconnect=_POLICY, answer_timeout=target.answer_timeout
                ) as stream:
                    outcome = await converse(stream, _talk(cutter, target.seed + number), ask=turn is ASKED)
                result.judge(f"call {number}", outcome)
                result.counts["returns"] += len(outcome.outages)
                result.counts["resumed"] += outcome.resumed
                number += _TOGETHER

        async with asyncio.TaskGroup() as group:
            for first in range(_TOGETHER):
                group.create_task(call_on(first))
        result.counts["cuts"] = target.amount - cutter.left
    return result


def _talk(cutter: _Cutter, seed: int) -> Iterator[Phrase]:
    """Until there are no cuts left, and then one phrase more that must be heard in peace."""
    spoken = 0
    for phrase in phrases(seed):
        yield phrase
        spoken += len(phrase.audio)
        if spoken > _LONGEST * _BYTES_PER_SECOND or not cutter.left:
            return
