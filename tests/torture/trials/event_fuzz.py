"""A server that sends nonsense: the client's connection refuses it and raises nothing else."""

from __future__ import annotations

import asyncio
import json
import random

from auricle.protocol.client_messages import Start
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.connection import ClientConnection
from tests.torture.fuzzing.corpus import event_texts
from tests.torture.fuzzing.mutations import mutated
from tests.torture.plan import Target
from tests.torture.result import TrialResult

_CORPUS = 1000
_TURN = 1000
"""Events after which other coroutines get a turn."""


async def event_fuzz(target: Target) -> TrialResult:
    """`target.amount` events of all types, half of them mutated, to the client's end of the protocol."""
    result = TrialResult("fuzzed events", f"{target.amount} events of all types to a client")
    rng, corpus = random.Random(target.seed), event_texts(_CORPUS, target.seed)
    connection, ready = ClientConnection(), next(text for text in corpus if json.loads(text)["type"] == "ready")
    for number in range(target.amount):
        if number % _TURN == 0:
            await asyncio.sleep(0)
        if number % 20 == 0:
            connection = ClientConnection()
            connection.start(Start())
            connection.receive_text(json.dumps({**json.loads(ready), "seq": 1}))
        text = rng.choice(corpus)
        text = mutated(text, rng) if rng.random() < 0.5 else json.dumps({**json.loads(text), "seq": connection.seq + 1})
        result.counts["events"] += 1
        try:
            event = connection.receive_text(text)
        except ProtocolViolation as violation:
            result.counts[f"refused as {violation.code}"] += 1
        except Exception as error:  # noqa: BLE001 - whatever else is raised is what the trial looks for
            result.fail(f"{error!r} from {text[:160]!r}")
        else:
            result.counts["unknown" if event is None else "taken"] += 1
    return result
