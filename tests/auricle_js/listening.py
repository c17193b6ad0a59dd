"""What the Python client hears, as JSON: the JavaScript client must hear the same."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from typing import Any

import auricle
from auricle import Start
from auricle.protocol import codec

_KINDS = (auricle.Final, auricle.TurnEnd, auricle.TurnEagerEnd, auricle.TurnResumed, auricle.SpeechStarted)


def camel(value: Any) -> Any:
    """Names as JavaScript writes them."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): camel(each) for name, each in value.items()}


def event_of(event: Any) -> Any:
    """An event as JavaScript has it, without its number: interims of a live server come or are replaced by chance."""
    told = camel(codec._parse(codec.encode_event(dataclasses.replace(event, seq=0))))
    del told["seq"]
    return told


async def heard(url: str, pcm: bytes, start: Start | None = None, **options: Any) -> list[Any]:
    """The finals and turn events of a whole recording, sent as fast as the server reads it."""
    async with auricle.connect(url, start=start or Start(), **options) as stream:

        async def send() -> None:
            await stream.send(pcm)
            await stream.end()

        sending = asyncio.create_task(send())
        events = [event_of(event) async for event in stream if isinstance(event, _KINDS)]
        await sending
    return events
