"""Several conversations at once, each with its share of what is to be said."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from contextlib import AsyncExitStack

from pipecat_auricle import AuricleSTTService
from tests.bench.pipecat_finals.pipeline import PipelineSession, UtteranceLog, conversation
from tests.bench.pipecat_finals.results import LatencyRow, row
from tests.bench.pipecat_finals.utterances import Utterance

_STAGGER = 0.37  # seconds between the first words of two speakers; no multiple of a chunk


async def measure(url: str, latency_ms: int, said: Sequence[Utterance], pipelines: int) -> LatencyRow:
    """Says everything to a server, in real time."""
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(conversation(service(url, latency_ms))) for _ in range(pipelines)]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_say_all(talk, said[number::pipelines], number * _STAGGER))
                for number, talk in enumerate(talks)
            ]
        lateness = array("d")
        for talk in talks:
            lateness.extend(talk.lateness)
    return row(latency_ms, [heard for task in tasks for heard in task.result()], lateness)


def service(url: str, latency_ms: int) -> AuricleSTTService:
    """As an agent with Pipecat's turns has it."""
    return AuricleSTTService(url=url, settings=AuricleSTTService.Settings(latency_ms=latency_ms))


async def _say_all(talk: PipelineSession, said: Sequence[Utterance], delay: float) -> list[UtteranceLog]:
    await asyncio.sleep(delay)
    await talk.warm_up()
    return [await talk.say(utterance) for utterance in said]
